import type { Gateway } from "#server/contracts/payments.ts";
import { bkashFixture } from "./bkash.ts";
import { paystackFixture, razorpayFixture } from "./body-hmac.ts";
import { iyzicoFixture } from "./iyzico.ts";
import { mercadoPagoFixture } from "./mercadopago.ts";
import { sslCommerzFixture } from "./sslcommerz.ts";
import { sandboxFixture, stripeFixture } from "./stripe.ts";
import type { Fixture } from "./suite.ts";
import { xenditFixture } from "./xendit.ts";

/** Every gateway has a fixture, or this does not compile. */
export const FIXTURES: Record<Gateway, Fixture> = {
  stripe: stripeFixture,
  razorpay: razorpayFixture,
  paystack: paystackFixture,
  mercadopago: mercadoPagoFixture,
  xendit: xenditFixture,
  iyzico: iyzicoFixture,
  sslcommerz: sslCommerzFixture,
  bkash: bkashFixture,
  sandbox: sandboxFixture,
};
