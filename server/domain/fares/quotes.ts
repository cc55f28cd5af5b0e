import { z } from "zod";
import { DomainError } from "#server/contracts/errors.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import type { Clock } from "#server/platform/clock.ts";
import { equalInConstantTime, hmacHex, sha256Hex } from "#server/platform/crypto.ts";

/** Long enough to look at the prices and decide, too short to wait for a rush to come and book at the price before it. */
export const QUOTE_SECONDS = 180;

/** A fare that was shown to a rider. Minor units, metres, seconds. */
export interface Quote {
  readonly customerId: string;
  readonly zoneId: string;
  readonly categoryId: string;
  readonly fare: number;
  readonly surge: number;
  readonly distanceMeters: number;
  readonly durationSeconds: number;
  readonly routeEstimated: boolean;
}

const storedSchema = z.tuple([
  z.string(),
  z.string(),
  z.string(),
  z.int(),
  z.number(),
  z.int(),
  z.int(),
  z.boolean(),
  z.string(),
  z.number(),
]);

const routeOf = (points: readonly Coordinates[]): string =>
  sha256Hex(points.map(({ lat, lng }) => `${lat.toFixed(6)},${lng.toFixed(6)}`).join(";")).slice(0, 24);

const invalid = (message: string) =>
  new DomainError(
    "VALIDATION_FAILED",
    `This quote cannot be used: ${message}. Nothing was booked; ask for a new estimate.`,
    {
      fields: [{ path: "quote", message }],
    },
  );

/** Quotes are in the rider's hands, signed: nothing is stored for the many who only look. */
export class Quotes {
  readonly #secret: string;
  readonly #clock: Pick<Clock, "now">;

  constructor(options: { secret: string; clock: Pick<Clock, "now"> }) {
    this.#secret = `quote:${options.secret}`;
    this.#clock = options.clock;
  }

  /** When what is quoted now is no longer held. */
  expiry(): Date {
    return new Date(this.#clock.now().getTime() + QUOTE_SECONDS * 1000);
  }

  issue(quote: Quote, points: readonly Coordinates[], expiresAt: Date): string {
    const { customerId, zoneId, categoryId, fare, surge, distanceMeters, durationSeconds, routeEstimated } = quote;
    const stored: z.infer<typeof storedSchema> = [
      ...([customerId, zoneId, categoryId, fare, surge, distanceMeters, durationSeconds, routeEstimated] as const),
      ...([routeOf(points), expiresAt.getTime()] as const),
    ];
    const text = Buffer.from(JSON.stringify(stored)).toString("base64url");
    return `${text}.${hmacHex(this.#secret, text).slice(0, 40)}`;
  }

  /**
   * What was quoted to this rider for this ride. VALIDATION_FAILED for another's, another ride's, or none of ours;
   * QUOTE_EXPIRED when it is too late.
   */
  read(
    quote: string,
    ride: {
      readonly customerId: string;
      readonly zoneId: string;
      readonly categoryId: string;
      readonly points: readonly Coordinates[];
      readonly isScheduled: boolean;
    },
  ): Quote {
    const [text = "", signature = ""] = quote.split(".");
    if (!equalInConstantTime(signature, hmacHex(this.#secret, text).slice(0, 40))) throw invalid("it is none of ours");
    const [
      customerId,
      zoneId,
      categoryId,
      fare,
      surge,
      distanceMeters,
      durationSeconds,
      routeEstimated,
      route,
      expiresAtMs,
    ] = storedSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
    if (customerId !== ride.customerId) throw invalid("it was given to somebody else");
    // Its surge is of this moment.
    if (ride.isScheduled) throw invalid("it is for a ride now");
    // Zones were drawn anew: the other may have another currency.
    if (zoneId !== ride.zoneId) throw invalid("it is for another zone");
    if (categoryId !== ride.categoryId) throw invalid("it is for another vehicle category");
    if (route !== routeOf(ride.points)) throw invalid("it is for another way");
    if (this.#clock.now().getTime() >= expiresAtMs)
      throw new DomainError(
        "QUOTE_EXPIRED",
        "This price is no longer held. Nothing was booked; ask for a new estimate.",
      );
    return { customerId, zoneId, categoryId, fare, surge, distanceMeters, durationSeconds, routeEstimated };
  }
}
