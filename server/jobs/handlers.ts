import type { JobName } from "#server/contracts/jobs.ts";
import type { JobHandler } from "#server/jobs/handler.ts";
import { bidPlaced } from "#server/jobs/handlers/bid-placed.ts";
import { cleanUp } from "#server/jobs/handlers/clean-up.ts";
import { dispatchTrip } from "#server/jobs/handlers/dispatch-trip.ts";
import { processTripAcceptance } from "#server/jobs/handlers/process-trip-acceptance.ts";
import { processWebhook } from "#server/jobs/handlers/process-webhook.ts";
import { pushOffer } from "#server/jobs/handlers/push-offer.ts";
import { sendCode } from "#server/jobs/handlers/send-code.ts";
import { tripEnded } from "#server/jobs/handlers/trip-ended.ts";
import { tripProgressed } from "#server/jobs/handlers/trip-progressed.ts";
import { tripReleased } from "#server/jobs/handlers/trip-released.ts";

/** One handler a job: leaving one out does not compile. */
export const HANDLERS: { readonly [N in JobName]: JobHandler<N> } = {
  "process-trip-acceptance": processTripAcceptance,
  "dispatch-trip": dispatchTrip,
  "push-offer": pushOffer,
  "bid-placed": bidPlaced,
  "send-code": sendCode,
  "trip-released": tripReleased,
  "trip-ended": tripEnded,
  "trip-progressed": tripProgressed,
  "process-webhook": processWebhook,
  "clean-up": cleanUp,
};
