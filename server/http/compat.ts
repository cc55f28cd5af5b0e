import type { Context, Hono } from "hono";
import { z } from "zod";
import { type DomainError, ERRORS } from "#server/contracts/errors.ts";
import { latSchema, lngSchema } from "#server/contracts/geo.ts";
import { idSchema, newId } from "#server/contracts/ids.ts";
import type { LimitScope } from "#server/contracts/limits.ts";
import type { Trip } from "#server/contracts/trips.ts";
import { type DoorEnv, respond } from "#server/http/door.ts";
import { retryAfter } from "#server/http/problem.ts";
import { readJson } from "#server/http/request.ts";
import { type RequestContext, shownDetail } from "#server/trpc/init.ts";
import { countUnread } from "#server/trpc/middleware/rate-limit.ts";
import { createCaller } from "#server/trpc/root.ts";

/**
 * The paths of the Flutter builds already on people's phones: their words and shapes, our engine. Unknown fields are
 * ignored here, as the old platform did: those builds send more than they must. So is the body's declared type, which
 * scripts leave to curl.
 */
const actionSchema = z.object({
  trip_request_id: idSchema,
  action: z.enum(["accepted", "accept", "rejected", "reject"]),
});
/** A number, or its text. Not `z.coerce`: it makes 0 of null and "", and a phone without a fix would stand at 0, 0. */
const numberSchema = z.union([
  z.number(),
  z
    .string()
    .regex(/^\s*[+-]?\d{1,3}(\.\d+)?\s*$/)
    .transform(Number),
]);
const locationSchema = z.object({ latitude: numberSchema.pipe(latSchema), longitude: numberSchema.pipe(lngSchema) });
/** `[lat, lng]`, or the same as JSON text, as some builds send it. */
const pointSchema = z
  .preprocess(
    (value) => {
      if (typeof value !== "string") return value;
      try {
        return JSON.parse(value);
      } catch {
        return value;
      }
    },
    z.tuple([numberSchema.pipe(latSchema), numberSchema.pipe(lngSchema)]),
  )
  .meta({ type: "array", items: { type: "number" }, minItems: 2, maxItems: 2, description: "`[lat, lng]`" });
const createSchema = z.object({
  pickup_coordinates: pointSchema,
  destination_coordinates: pointSchema,
  pickup_address: z.string().max(255).optional(),
  destination_address: z.string().max(255).optional(),
  vehicle_category_id: z.string().min(1).max(40),
  payment_method: z.string().min(1).max(40).default("cash"),
  type: z.enum(["ride_request", "parcel"]).default("ride_request"),
});

/** A trip in the old apps' names. */
function oldTrip(trip: Trip): Record<string, unknown> {
  return {
    id: trip.id,
    ref_id: trip.refId,
    type: trip.type,
    current_status: trip.status,
    version: trip.version,
    zone_id: trip.zoneId,
    customer_id: trip.customerId,
    driver_id: trip.driverId,
    vehicle_category: trip.vehicleCategory,
    estimated_fare: trip.estimatedFare.amount,
    currency: trip.estimatedFare.currency,
    estimated_distance: trip.estimatedDistanceMeters,
    estimated_duration: trip.estimatedDurationSeconds,
    pickup_coordinates: [trip.pickup.lat, trip.pickup.lng],
    pickup_address: trip.pickup.address ?? null,
    destination_coordinates: [trip.destination.lat, trip.destination.lng],
    destination_address: trip.destination.address ?? null,
    payment_method: trip.paymentMethod,
    created_at: trip.createdAt,
  };
}

const oldAnswer = (message: string, data: unknown, more: object = {}) => ({
  response_code: "default_200",
  message,
  ...more,
  data,
});

/** Errors in the old shape; `statuses` are where an older path differs from the table. */
function oldError(statuses: Readonly<Partial<Record<DomainError["code"], number>>>) {
  return (c: Context, error: DomainError): Response => {
    const status = statuses[error.code] ?? ERRORS[error.code].http;
    const wait = retryAfter(error);
    if (wait !== null) c.header("Retry-After", String(wait));
    if (error.code === "RATE_LIMIT_EXCEEDED") {
      const seconds = wait ?? 60;
      return c.json(
        {
          response_code: "rate_limit_exceeded",
          message: `Too many requests. Please try again in ${seconds} seconds.`,
          retry_after: seconds,
        },
        429,
      );
    }
    const errors = error.fields?.map((field) => ({ error_code: field.path, message: field.message }));
    return c.json(
      {
        response_code: `${error.code.toLowerCase()}_${status}`,
        message: shownDetail(error),
        ...(errors === undefined ? {} : { errors }),
      },
      status as 400,
    );
  };
}

const plain = oldError({});
const TAKEN_IS_403 = oldError({ TRIP_ALREADY_ASSIGNED: 403 });

async function requestAction(ctx: RequestContext, body: unknown): Promise<unknown> {
  const { trip_request_id: id, action } = actionSchema.parse(body);
  const caller = createCaller(ctx);
  if (action === "rejected" || action === "reject")
    return oldAnswer("Trip declined", oldTrip(await caller.rides.reject({ id })), { success: true });
  const { trip, alreadyAccepted } = await caller.rides.accept({ id });
  const message = alreadyAccepted ? "Trip already accepted by you" : "Trip accepted successfully";
  return oldAnswer(message, oldTrip(trip), { success: true, already_accepted: alreadyAccepted });
}

async function createRide(ctx: RequestContext, body: unknown): Promise<unknown> {
  const input = createSchema.parse(body);
  const place = ([lat, lng]: readonly [number, number], address: string | undefined) =>
    address === undefined ? { lat, lng } : { lat, lng, address };
  // These builds send no Idempotency-Key; each of their requests is a new one.
  const caller = createCaller(ctx.idempotencyKey === null ? { ...ctx, idempotencyKey: newId() } : ctx);
  const trip = await caller.rides.create({
    pickup: place(input.pickup_coordinates, input.pickup_address),
    destination: place(input.destination_coordinates, input.destination_address),
    vehicleCategory: input.vehicle_category_id,
    paymentMethod: input.payment_method,
    type: input.type,
  });
  return oldAnswer("Trip requested successfully", oldTrip(trip));
}

async function storeLocation(ctx: RequestContext, body: unknown): Promise<unknown> {
  const { latitude, longitude } = locationSchema.parse(body);
  return oldAnswer("Location stored", await createCaller(ctx).driving.location({ lat: latitude, lng: longitude }));
}

interface OlderPath {
  readonly path: string;
  readonly summary: string;
  /** The call that new builds make. */
  readonly instead: string;
  readonly schema: z.ZodType;
  readonly example: object;
  /** The status for a trip that another driver has; null where none can be taken. */
  readonly taken: 403 | 409 | null;
  readonly limit: LimitScope;
  readonly work: (ctx: RequestContext, body: unknown) => Promise<unknown>;
}

const action = {
  summary: "Accept or decline a trip",
  instead: "POST /api/v1/trips/{id}/accept",
  schema: actionSchema,
  example: { trip_request_id: "01990f3e-6c1a-7b52-8a4e-3d1f5b7c9e21", action: "accepted" },
  limit: "trip.accept",
  work: requestAction,
} as const;
const ride = {
  summary: "Request a trip",
  instead: "POST /api/v1/trips",
  schema: createSchema,
  example: {
    pickup_coordinates: [30.0444, 31.2357],
    destination_coordinates: [30.0626, 31.2497],
    vehicle_category_id: "economy",
  },
  taken: null,
  limit: "trip.create",
  work: createRide,
} as const;

/** Mounted, and described in the API's document. */
export const OLDER_PATHS: readonly OlderPath[] = [
  { path: "/api/driver/trip/request-action", ...action, taken: 403 },
  { path: "/api/driver/ride/trip-action", ...action, taken: 409 },
  { path: "/api/v1/driver/ride/ride_action", ...action, taken: 403 },
  {
    path: "/api/driver/ride/location",
    summary: "Where the driver is",
    instead: "POST /api/v1/location",
    schema: locationSchema,
    example: { latitude: 30.0444, longitude: 31.2357 },
    taken: null,
    limit: "location.update",
    work: storeLocation,
  },
  { path: "/api/customer/ride/create", ...ride },
  { path: "/api/v1/customer/ride/store", ...ride },
];

export function mountCompat(hono: Hono<DoorEnv>): void {
  for (const { path, taken, limit, work } of OLDER_PATHS) {
    const onError = taken === 403 ? TAKEN_IS_403 : plain;
    hono.post(path, (c) =>
      respond(
        c,
        path,
        (ctx) => countUnread(ctx, limit, async () => work(ctx, await readJson(c, ctx, { untyped: true }))),
        onError,
      ),
    );
  }
}
