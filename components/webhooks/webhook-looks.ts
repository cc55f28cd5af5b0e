import type { StateLook } from "#components/ui/state-hues.ts";
import type { ReprocessResult } from "#server/contracts/console.ts";
import type { Gateway, PaymentEventKind, PaymentEventVerdict, WebhookStatus } from "#server/contracts/payments.ts";

export const GATEWAY_NAME = {
  stripe: "Stripe",
  razorpay: "Razorpay",
  paystack: "Paystack",
  mercadopago: "Mercado Pago",
  xendit: "Xendit",
  iyzico: "Iyzico",
  sslcommerz: "SSLCommerz",
  bkash: "bKash",
  sandbox: "Sandbox",
} as const satisfies Record<Gateway, string>;

export const STATUS_LOOK = {
  received: { label: "Received", hue: "pending" },
  processed: { label: "Processed", hue: "ongoing" },
  ignored: { label: "Ignored", hue: "completed" },
  failed: { label: "Failed", hue: "cancelled" },
} as const satisfies Record<WebhookStatus, StateLook>;

export const EVENT_VERDICT_LOOK = {
  matched: { label: "Matched", hue: "ongoing" },
  unconfirmed: { label: "Unconfirmed", hue: "pending" },
  held: { label: "Held", hue: "arrived" },
  out_of_order: { label: "Out of order", hue: "pending", hollow: true },
  unknown_trip: { label: "Unknown trip", hue: "attention", hollow: true },
  amount_mismatch: { label: "Other amount", hue: "cancelled" },
  currency_mismatch: { label: "Other currency", hue: "cancelled", hollow: true },
} as const satisfies Record<PaymentEventVerdict, StateLook>;

export const KIND_NAME = {
  authorized: "Authorised",
  captured: "Captured",
  failed: "Failed",
  voided: "Voided",
  refund_pending: "Refund pending",
  refunded: "Refunded",
  refund_failed: "Refund failed",
  dispute_opened: "Dispute opened",
  dispute_won: "Dispute won",
  dispute_lost: "Dispute lost",
  dispute_updated: "Dispute updated",
  unknown: "Not ours to act on",
} as const satisfies Record<PaymentEventKind, string>;

export const REPROCESS_LOOK = {
  queued: { label: "Queued", hue: "ongoing" },
  gone: { label: "Gone", hue: "completed", hollow: true },
  too_old: { label: "Too old", hue: "pending" },
} as const satisfies Record<ReprocessResult["outcome"], StateLook>;
