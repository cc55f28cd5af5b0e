import type {
  AcceptAttempt,
  Page,
  RecordedMessage,
  TripDetail,
  TripEffect,
  TripOfferRow,
  TripRow,
} from "#server/contracts/console.ts";
import type { ScoreParts } from "#server/contracts/matching.ts";
import type { TripStatus } from "#server/contracts/trips.ts";
import { patternsOf, peopleStartingWith } from "#server/domain/ops/search.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface TripFilter {
  readonly status: readonly TripStatus[] | null;
  readonly q: string | null;
  readonly zoneId: string | null;
  readonly sort: "newest" | "oldest";
  readonly cursor: string | null;
  readonly limit: number;
}

interface ListRow {
  readonly id: string;
  readonly ref_id: string;
  readonly current_status: TripStatus;
  readonly customer_name: string;
  readonly driver_name: string | null;
  readonly zone_name: string | null;
  readonly category: string;
  readonly pickup_address: string | null;
  readonly destination_address: string | null;
  readonly pickup: { readonly x: number; readonly y: number };
  readonly destination: { readonly x: number; readonly y: number };
  readonly estimated_fare: number;
  readonly currency: string;
  readonly version: number;
  readonly scheduled_at: Date | null;
  readonly search_began: Date;
  readonly created_at: Date;
  readonly locked_at: Date | null;
}

const label = (address: string | null, at: { x: number; y: number }) =>
  address ?? `${at.y.toFixed(4)}, ${at.x.toFixed(4)}`;

/** By the start of the trip's number, or of a name or phone of its rider or driver. */
const MATCHES = `t.id IN (
  WITH people AS (${peopleStartingWith({ asTyped: "$3", lower: "$6" })})
  SELECT id FROM trip_requests WHERE ref_id LIKE $7
  UNION SELECT id FROM trip_requests WHERE customer_id IN (SELECT id FROM people)
  UNION SELECT id FROM trip_requests WHERE driver_id IN (SELECT id FROM people))`;

/**
 * Pages by id (UUIDv7: by time), so a page does not shift while trips come in. Not a named statement, nor are the other
 * lists: a plan kept for all values cannot leave out a filter that is not given, and reads the whole table for one that is.
 */
export async function listTrips(db: Queryable, filter: TripFilter): Promise<Page<TripRow>> {
  const newest = filter.sort === "newest";
  const wanted = patternsOf(filter.q);
  // Told as an equality, the index of that status gives the page in its order.
  const oneStatus = filter.status?.length === 1;
  const { rows } = await db.query<ListRow>({
    text: `
      SELECT t.id, t.ref_id, t.current_status, cu.first_name || ' ' || cu.last_name AS customer_name,
        du.first_name || ' ' || du.last_name AS driver_name, z.name AS zone_name, k.code AS category,
        c.pickup_address, c.destination_address, c.pickup_coordinates AS pickup, c.destination_coordinates AS destination,
        t.estimated_fare, t.currency, t.version, t.created_at, t.locked_at,
        t.scheduled_at, coalesce(t.search_began_at, t.created_at) AS search_began
      FROM trip_requests t
      JOIN trip_request_coordinates c ON c.trip_request_id = t.id
      JOIN users cu ON cu.id = t.customer_id
      JOIN vehicle_categories k ON k.id = t.vehicle_category_id
      LEFT JOIN users du ON du.id = t.driver_id
      LEFT JOIN zones z ON z.id = t.zone_id
      WHERE ${oneStatus ? "t.current_status = ($1::text[])[1]" : "($1::text[] IS NULL OR t.current_status = ANY($1))"} AND ($2::uuid IS NULL OR t.zone_id = $2)
        AND ${wanted === null ? "$3::text IS NULL AND $6::text IS NULL AND $7::text IS NULL" : MATCHES}
        AND ($4::uuid IS NULL OR t.id ${newest ? "<" : ">"} $4)
      ORDER BY t.id ${newest ? "DESC" : "ASC"} LIMIT $5`,
    values: [
      filter.status,
      filter.zoneId,
      wanted?.asTyped ?? null,
      filter.cursor,
      filter.limit + 1,
      wanted?.lower ?? null,
      wanted?.upper ?? null,
    ],
  });
  const items = rows.slice(0, filter.limit).map(
    (row): TripRow => ({
      id: row.id,
      refId: row.ref_id,
      status: row.current_status,
      customerName: row.customer_name,
      driverName: row.driver_name,
      zoneName: row.zone_name,
      vehicleCategory: row.category,
      pickupLabel: label(row.pickup_address, row.pickup),
      destinationLabel: label(row.destination_address, row.destination),
      estimatedFare: { amount: row.estimated_fare, currency: row.currency },
      version: row.version,
      scheduledAt: row.scheduled_at?.toISOString() ?? null,
      searchBeganAt: row.search_began.toISOString(),
      createdAt: row.created_at.toISOString(),
      acceptedAt: row.locked_at?.toISOString() ?? null,
    }),
  );
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}

export async function readOffers(db: Queryable, tripId: string): Promise<TripOfferRow[]> {
  const { rows } = await db.query<{
    id: string;
    driver_id: string;
    driver_name: string;
    batch: number;
    distance_meters: number;
    status: TripOfferRow["status"];
    reason: string | null;
    eta_seconds: number | null;
    score_seconds: number | null;
    score_parts: ScoreParts | null;
    expires_at: Date;
    offered_at: Date;
    ended_at: Date | null;
  }>({
    name: "ops-trip-offers",
    text: `SELECT o.id, o.driver_id, u.first_name || ' ' || u.last_name AS driver_name, o.batch, o.distance_meters, o.status, o.reason, o.offered_at, o.ended_at,
             o.eta_seconds, o.score_seconds, o.score_parts, o.expires_at
           FROM trip_offers o JOIN users u ON u.id = o.driver_id WHERE o.trip_request_id = $1 ORDER BY o.offered_at, o.score_seconds, o.distance_meters`,
    values: [tripId],
  });
  return rows.map((row) => ({
    id: row.id,
    driverId: row.driver_id,
    driverName: row.driver_name,
    batch: row.batch,
    distanceMeters: row.distance_meters,
    etaSeconds: row.eta_seconds,
    scoreSeconds: row.score_seconds,
    parts: row.score_parts,
    expiresAt: row.expires_at.toISOString(),
    status: row.status,
    reason: row.reason,
    offeredAt: row.offered_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  }));
}

export interface StoredEvent {
  readonly id: string;
  readonly kind: string;
  readonly actor_type: string;
  readonly actor_id: string | null;
  readonly actor_name: string | null;
  readonly subject_name: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

/** Attempts that did not win: a crowd retrying for one trip makes thousands. */
const MAX_ATTEMPTS = 1000;

/** A trip's story, oldest first: all of it, but of the attempts that did not win the newest only. */
export async function readEvents(db: Queryable, tripId: string): Promise<StoredEvent[]> {
  const { rows } = await db.query<StoredEvent>({
    name: "ops-trip-events",
    text: `WITH story AS (
             (SELECT * FROM trip_events WHERE trip_request_id = $1 AND (kind <> 'accept.attempt' OR data->>'verdict' = 'won'))
             UNION ALL
             (SELECT * FROM trip_events
              WHERE trip_request_id = $1 AND kind = 'accept.attempt' AND data->>'verdict' IS DISTINCT FROM 'won'
              ORDER BY at DESC, id DESC LIMIT $2)
           )
           SELECT e.id, e.kind, e.actor_type, e.actor_id, a.first_name || ' ' || a.last_name AS actor_name,
             s.first_name || ' ' || s.last_name AS subject_name, e.data, e.at
           FROM story e LEFT JOIN users a ON a.id = e.actor_id
           LEFT JOIN users s ON s.id = CASE WHEN e.data->>'driverId' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (e.data->>'driverId')::uuid END
           ORDER BY e.at, e.id`,
    values: [tripId, MAX_ATTEMPTS],
  });
  return rows;
}

export function toAttempt(event: StoredEvent): AcceptAttempt {
  const data = event.data as Partial<AcceptAttempt> & { readonly driverId?: string };
  // By the rider (a bid taken) or an operator: the event says whom they chose.
  const chosen = data.driverId !== undefined;
  return {
    id: event.id,
    driverId: data.driverId ?? event.actor_id ?? "",
    driverName: (chosen ? event.subject_name : event.actor_name) ?? "unknown",
    verdict: data.verdict ?? "refused",
    code: data.code ?? null,
    detail: data.detail ?? null,
    lockMs: data.lockMs ?? null,
    waitMs: data.waitMs ?? null,
    statementMs: data.statementMs ?? null,
    totalMs: data.totalMs ?? 0,
    groupSize: data.groupSize ?? null,
    requestId: data.requestId ?? null,
    at: event.at.toISOString(),
  };
}

export async function readEffects(db: Queryable, tripId: string): Promise<TripEffect[]> {
  const { rows } = await db.query<{
    effect: string;
    subject: string;
    status: TripEffect["status"];
    attempts: number;
    job_id: string | null;
    error: string | null;
    claimed_at: Date;
    done_at: Date | null;
  }>({
    name: "ops-trip-effects",
    text: "SELECT effect, subject, status, attempts, job_id, error, claimed_at, done_at FROM effects WHERE trip_id = $1 ORDER BY claimed_at, id",
    values: [tripId],
  });
  return rows.map((row) => ({
    effect: row.effect,
    subject: row.subject,
    status: row.status,
    attempts: row.attempts,
    jobId: row.job_id,
    error: row.error,
    claimedAt: row.claimed_at.toISOString(),
    doneAt: row.done_at?.toISOString() ?? null,
  }));
}

export async function readPosition(db: Queryable, driverId: string): Promise<TripDetail["driverPosition"]> {
  const { rows } = await db.query<{ lat: number; lng: number; heading: number | null; updated_at: Date }>({
    name: "ops-position",
    text: "SELECT location[1] AS lat, location[0] AS lng, heading, updated_at FROM user_last_locations WHERE user_id = $1",
    values: [driverId],
  });
  const [row] = rows;
  return row === undefined
    ? null
    : { lat: row.lat, lng: row.lng, heading: row.heading, at: row.updated_at.toISOString() };
}

export async function listMessages(
  db: Queryable,
  filter: {
    readonly channel: "sms" | "push" | null;
    readonly q: string | null;
    readonly tripId: string | null;
    readonly cursor: string | null;
    readonly limit: number;
  },
): Promise<Page<RecordedMessage>> {
  const { rows } = await db.query<{
    id: string;
    channel: "sms" | "push";
    recipient: string;
    title: string | null;
    body: string;
    trip_id: string | null;
    created_at: Date;
  }>({
    text: `SELECT id, channel, recipient, title, body, trip_id, created_at FROM recorded_messages
           WHERE ($1::text IS NULL OR channel = $1) AND ($2 = '' OR recipient LIKE $2 || '%' OR body ILIKE '%' || $2 || '%')
             AND ($3::uuid IS NULL OR trip_id = $3) AND ($4::uuid IS NULL OR id < $4)
           ORDER BY id DESC LIMIT $5`,
    values: [filter.channel, filter.q?.trim() ?? "", filter.tripId, filter.cursor, filter.limit + 1],
  });
  const items = rows.slice(0, filter.limit).map(
    (row): RecordedMessage => ({
      id: row.id,
      channel: row.channel,
      to: row.recipient,
      title: row.title,
      body: row.body,
      tripId: row.trip_id,
      at: row.created_at.toISOString(),
    }),
  );
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}
