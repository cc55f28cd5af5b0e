import type { Money } from "./trips.ts";

/** Every gateway that we take money through. `sandbox` is our own, for the demo and the tests. */
export const GATEWAYS = [
  "stripe",
  "razorpay",
  "paystack",
  "mercadopago",
  "xendit",
  "iyzico",
  "sslcommerz",
  "bkash",
  "sandbox",
] as const;
export type Gateway = (typeof GATEWAYS)[number];

/**
 * What a gateway's event says, in our words.
 * `failed`: an attempt to authorise or capture failed. `voided`: money that was held, never captured, is free again.
 * `refund_pending`: asked for, not settled. `dispute_updated`: a step without an outcome.
 * `unknown`: nothing that we act on by itself; stored, and for a gateway that only points at a payment, looked up there.
 */
export const PAYMENT_EVENT_KINDS = [
  "authorized",
  "captured",
  "failed",
  "voided",
  "refund_pending",
  "refunded",
  "refund_failed",
  "dispute_opened",
  "dispute_won",
  "dispute_lost",
  "dispute_updated",
  "unknown",
] as const;
export type PaymentEventKind = (typeof PAYMENT_EVENT_KINDS)[number];

/**
 * How an event stands to what we know. `unconfirmed`: it fits, but the gateway signs no amount and was not asked.
 * `held`: the gateway itself calls it risky. `out_of_order`: a later event of the same payment came before it.
 */
export const PAYMENT_EVENT_VERDICTS = [
  "matched",
  "unconfirmed",
  "held",
  "out_of_order",
  "unknown_trip",
  "amount_mismatch",
  "currency_mismatch",
] as const;
export type PaymentEventVerdict = (typeof PAYMENT_EVENT_VERDICTS)[number];

/** `ignored`: nothing that we act on. `failed`: every try failed, an operator can have it processed again. */
export const WEBHOOK_STATUSES = ["received", "processed", "ignored", "failed"] as const;
export type WebhookStatus = (typeof WEBHOOK_STATUSES)[number];

/** A gateway's verified webhook in the one form that the rest of the platform reads. */
export interface PaymentEvent {
  readonly gateway: Gateway;
  /** The same for each delivery of one event; at most 255 printable ASCII characters. Unique together with `gateway`. */
  readonly eventKey: string;
  readonly kind: PaymentEventKind;
  /** ISO 4217 minor units, whatever the gateway counts in. Null: not said, or not to be trusted (ask the gateway). */
  readonly amount: Money | null;
  /** False: whoever forged or altered the body chose the amount. Fetch the payment before any money moves. */
  readonly amountIsSigned: boolean;
  readonly tripId: string | null;
  /** Our own reference as the gateway echoes it (receipt, `reference`, `tran_id`, invoice number). */
  readonly reference: string | null;
  /** The gateway's ids. */
  readonly paymentId: string | null;
  readonly refundId: string | null;
  readonly disputeId: string | null;
  /** ISO 8601 UTC, by the gateway's clock; null where it does not say. Deliveries come in any order. */
  readonly occurredAt: string | null;
  /** The gateway's own name of the event. */
  readonly rawType: string;
}
