import type { Gateway, PaymentEvent } from "#server/contracts/payments.ts";
import { parseBkash, verifyBkash } from "#server/domain/payments/webhooks/bkash.ts";
import { parseIyzico, verifyIyzico } from "#server/domain/payments/webhooks/iyzico.ts";
import { parseMercadoPago, verifyMercadoPago } from "#server/domain/payments/webhooks/mercadopago.ts";
import { parsePaystack, verifyPaystack } from "#server/domain/payments/webhooks/paystack.ts";
import { parseRazorpay, verifyRazorpay } from "#server/domain/payments/webhooks/razorpay.ts";
import { parseSandbox, verifySandbox } from "#server/domain/payments/webhooks/sandbox.ts";
import { secretList } from "#server/domain/payments/webhooks/signature.ts";
import type { SigningKeys } from "#server/domain/payments/webhooks/sns-certificate.ts";
import { parseSslCommerz, verifySslCommerz } from "#server/domain/payments/webhooks/sslcommerz.ts";
import { parseStripe, verifyStripe } from "#server/domain/payments/webhooks/stripe.ts";
import type {
  SignedRequest,
  Verdict,
  VerifiedEvent,
  WebhookRequest,
} from "#server/domain/payments/webhooks/webhook.ts";
import { parseXendit, verifyXendit } from "#server/domain/payments/webhooks/xendit.ts";

/**
 * What verifies each gateway's webhooks, as it is configured: comma-separated, the new one and, while it is rotated, the
 * old. Null: not configured, and every delivery is refused. The names are the variables in api.md.
 */
export interface WebhookConfig {
  /** STRIPE_WEBHOOK_SECRET */
  readonly stripe: string | null;
  /** RAZORPAY_WEBHOOK_SECRET */
  readonly razorpay: string | null;
  /** PAYSTACK_SECRET_KEY */
  readonly paystack: string | null;
  /** MERCADOPAGO_WEBHOOK_SECRET */
  readonly mercadopago: string | null;
  /** XENDIT_CALLBACK_TOKEN */
  readonly xendit: string | null;
  /** IYZICO_SECRET_KEY */
  readonly iyzico: string | null;
  /** SSLCOMMERZ_STORE_ID (one) and SSLCOMMERZ_STORE_PASSWORD (a list) */
  readonly sslcommerz: { readonly storeId: string; readonly passwords: string } | null;
  /** BKASH_SNS_TOPIC_ARN */
  readonly bkash: string | null;
  /** The demo's own gateway. */
  readonly sandbox: string | null;
}

export interface GatewayWebhooks {
  /** Never throws, whatever the bytes. */
  readonly verify: (request: WebhookRequest) => Promise<Verdict>;
  /** Never throws; a stored `VerifiedEvent` reads the same later, so that it can be done in a job. */
  readonly parse: (event: VerifiedEvent) => PaymentEvent;
}

function gateway<Secrets>(
  secrets: Secrets,
  verify: (request: SignedRequest<Secrets>) => Verdict | Promise<Verdict>,
  parse: (event: VerifiedEvent) => PaymentEvent,
): GatewayWebhooks {
  return { verify: async (request) => verify({ ...request, secrets }), parse };
}

/** Every gateway's door. A gateway added to the contract does not compile until it is here and in `WebhookConfig`. */
export function createWebhooks(config: WebhookConfig, signingKeys: SigningKeys): Record<Gateway, GatewayWebhooks> {
  const sslCommerz = {
    storeId: config.sslcommerz?.storeId ?? null,
    passwords: secretList(config.sslcommerz?.passwords ?? null),
  };
  const bkash = { topicArns: secretList(config.bkash) };
  return {
    stripe: gateway(secretList(config.stripe), verifyStripe, parseStripe),
    razorpay: gateway(secretList(config.razorpay), verifyRazorpay, parseRazorpay),
    paystack: gateway(secretList(config.paystack), verifyPaystack, parsePaystack),
    mercadopago: gateway(secretList(config.mercadopago), verifyMercadoPago, parseMercadoPago),
    xendit: gateway(secretList(config.xendit), verifyXendit, parseXendit),
    iyzico: gateway(secretList(config.iyzico), verifyIyzico, parseIyzico),
    sslcommerz: gateway(sslCommerz, verifySslCommerz, parseSslCommerz),
    bkash: gateway(bkash, (request: SignedRequest<typeof bkash>) => verifyBkash(request, signingKeys), parseBkash),
    sandbox: gateway(secretList(config.sandbox), verifySandbox, parseSandbox),
  };
}
