import type { Gateway, PaymentEvent } from "#server/contracts/payments.ts";

const NOTHING_SAID = {
  kind: "unknown",
  amount: null,
  tripId: null,
  reference: null,
  paymentId: null,
  refundId: null,
  disputeId: null,
  occurredAt: null,
} as const;

/** Gateways whose signature covers the amount. The others are asked (payments.md, common rules). */
const AMOUNT_IS_SIGNED: Record<Gateway, boolean> = {
  stripe: true,
  razorpay: true,
  paystack: true,
  mercadopago: false,
  xendit: false,
  iyzico: false,
  sslcommerz: false,
  bkash: true,
  sandbox: true,
};

type Said = Partial<Omit<PaymentEvent, "gateway" | "eventKey" | "rawType" | "amountIsSigned">>;

/** An event that says what is given and nothing else. */
export const paymentEvent = (gateway: Gateway, eventKey: string, rawType: string, said: Said): PaymentEvent => ({
  ...NOTHING_SAID,
  ...said,
  gateway,
  eventKey,
  rawType,
  amountIsSigned: AMOUNT_IS_SIGNED[gateway],
});
