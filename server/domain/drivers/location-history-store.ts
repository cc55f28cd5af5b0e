import type { History, HistoryMark, HistoryPoint, HistoryQuery } from "#server/contracts/history.ts";
import { MAX_HISTORY_POINTS } from "#server/contracts/history.ts";
import type { StoredLocation } from "#server/domain/drivers/location-store.ts";
import type { Database, Queryable } from "#server/platform/db.ts";

/** With the trip that the driver was on then: it may be over as this is written. */
export async function insertHistory(db: Queryable, batch: readonly StoredLocation[]): Promise<void> {
  await db.query({
    name: "history-insert",
    text: `INSERT INTO location_history (user_id, trip_request_id, location, heading, speed, accuracy, recorded_at)
           SELECT l.user_id, t.id, point(l.lng, l.lat), l.heading, l.speed, l.accuracy, l.recorded_at
           FROM unnest($1::uuid[], $2::float8[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::timestamptz[])
             AS l(user_id, lat, lng, heading, speed, accuracy, recorded_at)
           LEFT JOIN LATERAL (
             SELECT CASE WHEN t.trip_end_time IS NULL OR t.trip_end_time >= l.recorded_at THEN t.id END AS id FROM trip_requests t
             WHERE t.driver_id = l.user_id AND t.locked_at <= l.recorded_at ORDER BY t.locked_at DESC LIMIT 1) t ON true`,
    values: [
      batch.map((l) => l.userId),
      batch.map((l) => l.lat),
      batch.map((l) => l.lng),
      batch.map((l) => l.heading),
      batch.map((l) => l.speed),
      batch.map((l) => l.accuracy),
      batch.map((l) => l.recordedAt),
    ],
  });
}

const DAY_MS = 86_400_000;
const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);
const partitionOf = (day: string) => `location_history_${day.replaceAll("-", "")}`;
/** Days made ahead: an hour's chore that is missed for a while leaves the default partition little to take. */
const DAYS_AHEAD = 3;
const PARTITION = /^location_history_(\d{4})(\d{2})(\d{2})$/;

/** Makes the coming days' partitions and drops those older than `keepDays`. Answers what it made and dropped. */
export async function turnHistoryOver(
  db: Database,
  keepDays: number,
): Promise<{ readonly made: string[]; readonly dropped: string[] }> {
  const { rows } = await db.pool.query<{ name: string; now: Date }>(
    `SELECT c.relname AS name, now() AS now FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'location_history'::regclass`,
  );
  const existing = new Set(rows.map((row) => row.name));
  const today = Math.floor((rows[0]?.now.getTime() ?? 0) / DAY_MS) * DAY_MS;
  const made: string[] = [];
  for (let ahead = 0; ahead <= DAYS_AHEAD; ahead++) {
    const day = dayOf(today + ahead * DAY_MS);
    if (existing.has(partitionOf(day))) continue;
    await makePartition(db, day, dayOf(today + (ahead + 1) * DAY_MS));
    made.push(day);
  }
  const oldest = dayOf(today - keepDays * DAY_MS);
  const dropped: string[] = [];
  for (const name of existing) {
    const [, year, month, date] = PARTITION.exec(name) ?? [];
    const day = `${year}-${month}-${date}`;
    if (year === undefined || day >= oldest) continue;
    await db.pool.query(`DROP TABLE IF EXISTS ${name}`);
    dropped.push(day);
  }
  await db.pool.query("DELETE FROM location_history_default WHERE recorded_at < now() - make_interval(days => $1)", [
    keepDays,
  ]);
  return { made, dropped };
}

/** What the default partition has taken of the day moves over: a partition for rows that are there cannot be attached. */
async function makePartition(db: Database, from: string, to: string): Promise<void> {
  const name = partitionOf(from);
  await db.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('location_history'))");
    const { rows } = await tx.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [name]);
    if (rows[0]?.there === true) return;
    // Days are of ours alone, made of digits and dashes: nothing of a caller's is in these statements.
    await tx.query(`CREATE TABLE ${name} (LIKE location_history INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
    await tx.query(
      `WITH moved AS (DELETE FROM location_history_default WHERE recorded_at >= '${from}Z'::timestamptz AND recorded_at < '${to}Z'::timestamptz RETURNING *)
       INSERT INTO ${name} SELECT * FROM moved`,
    );
    await tx.query(
      `ALTER TABLE location_history ATTACH PARTITION ${name} FOR VALUES FROM ('${from} 00:00+00') TO ('${to} 00:00+00')`,
    );
  });
}

interface PointRow {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly recorded_at: Date;
  readonly trip_request_id: string | null;
  readonly total: number;
}

const POINTS = (condition: string) => `
SELECT * FROM (
  SELECT location[1] AS lat, location[0] AS lng, heading, speed, recorded_at, trip_request_id,
    count(*) OVER ()::int AS total, row_number() OVER (ORDER BY recorded_at) AS n
  FROM location_history WHERE ${condition}) p
WHERE (n - 1) % greatest(1, ceil(total / ${MAX_HISTORY_POINTS}::float8)::int) = 0 ORDER BY recorded_at`;

const MARKS = (condition: string) => `
SELECT t.id, t.ref_id, t.driver_id, t.created_at, t.locked_at, t.arrived_at, t.trip_start_time, t.trip_end_time
FROM trip_requests t WHERE ${condition} ORDER BY t.created_at LIMIT 200`;

/** Of the driver who has or had it last: one it was taken from drove another way. */
const OF_TRIP = "trip_request_id = $1 AND user_id = (SELECT driver_id FROM trip_requests WHERE id = $1)";

interface MarkRow {
  readonly id: string;
  readonly ref_id: string;
  readonly driver_id: string | null;
  readonly created_at: Date;
  readonly locked_at: Date | null;
  readonly arrived_at: Date | null;
  readonly trip_start_time: Date | null;
  readonly trip_end_time: Date | null;
}

function marksOf(row: MarkRow): HistoryMark[] {
  const times: [HistoryMark["kind"], Date | null][] = [
    ["requested", row.created_at],
    ["accepted", row.locked_at],
    ["arrived", row.arrived_at],
    ["started", row.trip_start_time],
    ["ended", row.trip_end_time],
  ];
  return times.flatMap(([kind, at]) =>
    at === null ? [] : [{ kind, at: at.toISOString(), tripId: row.id, refId: row.ref_id }],
  );
}

/** Where a driver was, on a trip or for some hours, with what happened on the way. Empty when nothing is known. */
export async function readHistory(db: Queryable, query: HistoryQuery): Promise<History> {
  const ofTrip = "tripId" in query;
  const span = ofTrip ? [query.tripId] : [query.driverId, query.from, query.to];
  const points = await db.query<PointRow>({
    name: ofTrip ? "history-of-trip" : "history-of-driver",
    text: POINTS(ofTrip ? OF_TRIP : "user_id = $1 AND recorded_at >= $2 AND recorded_at <= $3"),
    values: span,
  });
  const marks = await db.query<MarkRow>({
    name: ofTrip ? "history-marks-of-trip" : "history-marks-of-driver",
    text: MARKS(
      ofTrip
        ? "t.id = $1"
        : "t.driver_id = $1 AND t.created_at <= $3 AND (t.trip_end_time IS NULL OR t.trip_end_time >= $2)",
    ),
    values: span,
  });
  const driverId = ofTrip ? (marks.rows[0]?.driver_id ?? null) : query.driverId;
  const people = await db.query<{ id: string; name: string }>({
    name: "history-driver",
    text: "SELECT id, first_name || ' ' || last_name AS name FROM users WHERE id = $1",
    values: [driverId],
  });
  const total = points.rows[0]?.total ?? 0;
  return {
    driver: people.rows[0] ?? null,
    points: points.rows.map(
      (row): HistoryPoint => ({
        ...{ lat: row.lat, lng: row.lng, heading: row.heading, speed: row.speed },
        at: row.recorded_at.toISOString(),
        tripId: row.trip_request_id,
      }),
    ),
    marks: marks.rows.flatMap(marksOf),
    thinnedFrom: total > points.rows.length ? total : null,
  };
}
