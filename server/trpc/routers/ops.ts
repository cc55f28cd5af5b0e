import { setTimeout as delay } from "node:timers/promises";
import { tracked } from "@trpc/server";
import { z } from "zod";

import type { Me, RecordedMessage } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { QUEUES } from "#server/contracts/jobs.ts";
import { pageSizeSchema } from "#server/contracts/paging.ts";
import { DRIVER_FILTERS, listDrivers } from "#server/domain/ops/driver-view-store.ts";
import { checkInvariants } from "#server/domain/ops/invariants.ts";
import { listMessages, listTrips } from "#server/domain/ops/trip-view-store.ts";
import { audit, recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { reasonSchema } from "#server/trpc/routers/trips.ts";
import { streamSignal } from "#server/trpc/ticks.ts";

const queueSchema = z.enum(QUEUES);
const cursor = idSchema.nullish();
const limit = pageSizeSchema({ max: 200, fallback: 50 });

export const sessionRouter = router({
  me: operatorQuery(null).query(async ({ ctx }): Promise<Me> => {
    const { id, name, email, title, permissions } = await ctx.app.access.assert(ctx.actor.id, null);
    return { id, name, email: email ?? "", roles: [title], permissions: [...permissions] };
  }),
});

export const driversRouter = router({
  /** Who is connected, over all gateways; `GET /ws/stats` is the same. */
  sockets: operatorQuery("drivers.view").query(({ ctx }) => ctx.app.presence.stats()),

  endReview: operatorProcedure({ permission: "drivers.review", audit: "driver.end_review" })
    .input(z.strictObject({ driverId: idSchema, reason: reasonSchema }))
    .mutation(({ ctx, input }) => ctx.app.conduct.endReview(ctx.actor, input, recorder(ctx, input.reason), ctx.claim)),

  list: operatorQuery("drivers.view")
    .input(
      z.strictObject({ q: z.string().max(80).optional(), state: z.enum(DRIVER_FILTERS).optional(), cursor, limit }),
    )
    .query(({ ctx, input }) =>
      listDrivers(ctx.app.db.pool, {
        q: input.q ?? null,
        state: input.state ?? null,
        cursor: input.cursor ?? null,
        limit: input.limit,
      }),
    ),
});

export const locksRouter = router({
  list: operatorQuery("locks.view").query(({ ctx }) => ctx.app.locks.view()),

  release: operatorProcedure({ permission: "locks.release", audit: "lock.release" })
    .input(
      z.strictObject({
        items: z
          .array(z.strictObject({ tripId: z.string().min(1).max(100), value: z.string().min(1).max(200) }))
          .min(1)
          .max(200),
        reason: reasonSchema,
      }),
    )
    .mutation(async ({ ctx, input }) => {
      const results = [];
      for (const { tripId, value } of input.items) {
        const result = await ctx.app.locks.release(tripId, value);
        results.push(result);
        await audit(
          ctx,
          { type: "lock", id: tripId },
          { before: { value }, after: { outcome: result.outcome }, reason: input.reason },
        );
        if (result.outcome === "released" && idSchema.safeParse(tripId).success) {
          ctx.app.events.record({
            tripId,
            kind: "lock.released",
            actor: { type: "operator", id: ctx.actor.id },
            data: { reason: input.reason },
          });
        }
      }
      return results;
    }),

  repairGhost: operatorProcedure({ permission: "locks.release", audit: "driver.repair" })
    .input(z.strictObject({ driverId: idSchema, reason: reasonSchema }))
    .mutation(({ ctx, input }) => ctx.app.locks.repairGhost(input.driverId, recorder(ctx, input.reason), ctx.claim)),
});

const jobIds = z.strictObject({
  queue: queueSchema,
  ids: z.array(z.string().min(1).max(100)).min(1).max(2000),
  reason: reasonSchema,
});
const oneQueue = z.strictObject({ queue: queueSchema, reason: reasonSchema });
const JOBS_EVERY_MS = 2000;

export const jobsRouter = router({
  view: operatorQuery("jobs.view").query(({ ctx }) => ctx.app.jobs.view()),

  live: operatorQuery("jobs.view").subscription(async function* ({ ctx, signal }) {
    const until = streamSignal(ctx, signal);
    let sentUpTo = "";
    while (!until.aborted) {
      const view = await ctx.app.jobs.view();
      yield tracked(ctx.app.clock.now().toISOString(), {
        ...view,
        samples: view.samples.filter((sample) => sample.at > sentUpTo),
      });
      sentUpTo = view.samples.at(-1)?.at ?? sentUpTo;
      await delay(JOBS_EVERY_MS, undefined, { signal: until }).catch(() => undefined);
    }
  }),

  failedGroups: operatorQuery("jobs.view")
    .input(z.strictObject({ queue: queueSchema.optional() }).optional())
    .query(({ ctx, input }) => ctx.app.jobs.failedGroups(input?.queue ?? null)),

  detail: operatorQuery("jobs.view")
    .input(z.strictObject({ queue: queueSchema, id: z.string().min(1).max(100) }))
    .query(async ({ ctx, input }) => {
      const job = await ctx.app.jobs.detail(input.queue, input.id);
      if (job === null)
        throw new DomainError("NOT_FOUND", "The job is no longer in the queue: done and cleared, or discarded.");
      return job;
    }),

  retry: operatorProcedure({ permission: "jobs.retry", audit: "job.retry" })
    .input(jobIds)
    .mutation(async ({ ctx, input }) => {
      const results = await ctx.app.jobs.retry(input.queue, input.ids);
      await audit(ctx, { type: "queue", id: input.queue }, { after: results, reason: input.reason });
      return results;
    }),

  discard: operatorProcedure({ permission: "jobs.retry", audit: "job.discard" })
    .input(jobIds)
    .mutation(async ({ ctx, input }) => {
      const results = await ctx.app.jobs.discard(input.queue, input.ids);
      await audit(ctx, { type: "queue", id: input.queue }, { after: results, reason: input.reason });
      return results;
    }),

  pause: operatorProcedure({ permission: "jobs.retry", audit: "queue.pause" })
    .input(oneQueue)
    .mutation(async ({ ctx, input }) => {
      await ctx.app.jobs.setPaused(input.queue, true);
      await audit(ctx, { type: "queue", id: input.queue }, { reason: input.reason });
      return { paused: true };
    }),

  resume: operatorProcedure({ permission: "jobs.retry", audit: "queue.resume" })
    .input(oneQueue)
    .mutation(async ({ ctx, input }) => {
      await ctx.app.jobs.setPaused(input.queue, false);
      await audit(ctx, { type: "queue", id: input.queue }, { reason: input.reason });
      return { paused: false };
    }),
});

export const invariantsRouter = router({
  check: operatorQuery("invariants.view").query(({ ctx }) => checkInvariants(ctx.app.db, ctx.app.lock)),
});

const recordedMessageSchema = z.object({
  id: z.string(),
  channel: z.enum(["sms", "push"]),
  to: z.string(),
  title: z.string().nullable(),
  body: z.string(),
  tripId: z.string().nullable(),
  at: z.string(),
}) satisfies z.ZodType<RecordedMessage>;

export const messagesRouter = router({
  list: operatorQuery("messages.view")
    .meta({
      openapi: { method: "GET", path: "/api/v1/ops/messages", summary: "Messages the recorder kept (demo and tests)" },
    })
    .input(
      z.strictObject({
        channel: z.enum(["sms", "push"]).optional(),
        q: z.string().max(80).optional(),
        tripId: idSchema.optional(),
        cursor,
        limit,
      }),
    )
    .output(z.object({ items: z.array(recordedMessageSchema).readonly(), nextCursor: z.string().nullable() }))
    .query(({ ctx, input }) =>
      listMessages(ctx.app.db.pool, {
        channel: input.channel ?? null,
        q: input.q ?? null,
        tripId: input.tripId ?? null,
        cursor: input.cursor ?? null,
        limit: input.limit,
      }),
    ),
});

export const searchRouter = router({
  /** For the command palette: a few of each kind. */
  palette: operatorQuery("trips.view")
    .input(z.strictObject({ q: z.string().trim().max(80) }))
    .query(async ({ ctx, input }) => {
      if (input.q === "") return { trips: [], drivers: [] };
      const [trips, drivers] = await Promise.all([
        listTrips(ctx.app.db.pool, { status: null, q: input.q, zoneId: null, sort: "newest", cursor: null, limit: 6 }),
        ctx.held.has("drivers.view")
          ? listDrivers(ctx.app.db.pool, { q: input.q, state: null, cursor: null, limit: 6 })
          : { items: [] },
      ]);
      return {
        trips: trips.items.map(({ id, refId, status, customerName, pickupLabel }) => ({
          id,
          refId,
          status,
          label: `${customerName}, ${pickupLabel}`,
        })),
        drivers: drivers.items.map(({ id, name, phone, plate }) => ({ id, name, phone, plate })),
      };
    }),
});
