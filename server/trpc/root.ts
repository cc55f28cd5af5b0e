import { createCallerFactory, router } from "#server/trpc/init.ts";
import { authRouter } from "#server/trpc/routers/auth.ts";
import { drivingRouter } from "#server/trpc/routers/driving.ts";
import { ridesRouter } from "#server/trpc/routers/rides.ts";

export const appRouter = router({
  auth: authRouter,
  rides: ridesRouter,
  driving: drivingRouter,
});

export type AppRouter = typeof appRouter;
export const createCaller = createCallerFactory(appRouter);
