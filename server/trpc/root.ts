import { createCallerFactory, router } from "#server/trpc/init.ts";
import { accountRouter } from "#server/trpc/routers/account.ts";
import { authRouter } from "#server/trpc/routers/auth.ts";
import { bidsRouter } from "#server/trpc/routers/bids.ts";
import { drivingRouter } from "#server/trpc/routers/driving.ts";
import { idempotencyRouter } from "#server/trpc/routers/idempotency.ts";
import { limitsRouter } from "#server/trpc/routers/limits.ts";
import { mapRouter } from "#server/trpc/routers/map.ts";
import { matchingRouter } from "#server/trpc/routers/matching.ts";
import {
  driversRouter,
  invariantsRouter,
  jobsRouter,
  locksRouter,
  messagesRouter,
  searchRouter,
  sessionRouter,
} from "#server/trpc/routers/ops.ts";
import { alertsRouter, auditRouter, settingsRouter } from "#server/trpc/routers/oversight.ts";
import { peopleRouter, rolesRouter } from "#server/trpc/routers/people.ts";
import { pricingRouter } from "#server/trpc/routers/pricing.ts";
import { ridesRouter } from "#server/trpc/routers/rides.ts";
import { signingRouter } from "#server/trpc/routers/signing.ts";
import { tripsRouter } from "#server/trpc/routers/trips.ts";
import { webhooksRouter } from "#server/trpc/routers/webhooks.ts";
import { zonesRouter } from "#server/trpc/routers/zones.ts";

/** The apps' areas first, then the console's rooms. */
export const appRouter = router({
  auth: authRouter,
  account: accountRouter,
  rides: ridesRouter,
  bids: bidsRouter,
  driving: drivingRouter,
  signing: signingRouter,
  pricing: pricingRouter,
  session: sessionRouter,
  map: mapRouter,
  trips: tripsRouter,
  matching: matchingRouter,
  zones: zonesRouter,
  drivers: driversRouter,
  locks: locksRouter,
  jobs: jobsRouter,
  invariants: invariantsRouter,
  messages: messagesRouter,
  webhooks: webhooksRouter,
  idempotency: idempotencyRouter,
  limits: limitsRouter,
  search: searchRouter,
  people: peopleRouter,
  roles: rolesRouter,
  settings: settingsRouter,
  alerts: alertsRouter,
  audit: auditRouter,
});

export type AppRouter = typeof appRouter;
export const createCaller = createCallerFactory(appRouter);
