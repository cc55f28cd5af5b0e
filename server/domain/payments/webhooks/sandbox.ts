import type { PaymentEvent } from "#server/contracts/payments.ts";
import { parseStripeAs, type StripeSecrets, verifyStripe } from "#server/domain/payments/webhooks/stripe.ts";
import type { EventVerdict, SignedRequest, VerifiedEvent } from "#server/domain/payments/webhooks/webhook.ts";

/** Our own gateway of the demo and the tests signs and speaks as Stripe does, with a secret of its own. */
export const verifySandbox = (request: SignedRequest<StripeSecrets>): EventVerdict => verifyStripe(request);

export const parseSandbox = ({ eventKey, payload }: VerifiedEvent): PaymentEvent =>
  parseStripeAs("sandbox", eventKey, payload);
