import type { Coordinates } from "#server/contracts/geo.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface OpenConnection {
  readonly id: string;
  readonly userId: string;
  readonly userType: string;
  readonly connectedAt: Date;
}

/** False when there is no such server (any more): it was taken for dead, and all it holds must be told anew. */
export async function touchServer(db: Queryable, id: string, stats: object): Promise<boolean> {
  const { rowCount } = await db.query({
    name: "gateway-touch",
    text: "UPDATE gateway_servers SET last_seen_at = now(), stats = $2 WHERE id = $1",
    values: [id, JSON.stringify(stats)],
  });
  return (rowCount ?? 0) > 0;
}

export async function addServer(
  db: Queryable,
  server: { readonly id: string; readonly host: string; readonly pid: number },
): Promise<void> {
  await db.query("INSERT INTO gateway_servers (id, host, pid) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING", [
    server.id,
    server.host,
    server.pid,
  ]);
}

export async function removeServer(db: Queryable, id: string): Promise<void> {
  await db.query("DELETE FROM gateway_servers WHERE id = $1", [id]);
}

export async function addConnections(
  db: Queryable,
  serverId: string,
  connections: readonly OpenConnection[],
): Promise<void> {
  await db.query({
    name: "connections-add",
    // With users: one who was deleted meanwhile must not undo the batch.
    text: `INSERT INTO websocket_connections (id, user_id, user_type, server_id, connected_at)
           SELECT c.id, c.user_id, c.user_type, $1, LEAST(c.connected_at, now())
           FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) AS c(id, user_id, user_type, connected_at)
           JOIN users u ON u.id = c.user_id JOIN gateway_servers g ON g.id = $1
           ON CONFLICT (id) DO NOTHING`,
    values: [
      serverId,
      connections.map((one) => one.id),
      connections.map((one) => one.userId),
      connections.map((one) => one.userType),
      connections.map((one) => one.connectedAt),
    ],
  });
}

export async function removeConnections(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({
    name: "connections-remove",
    text: "DELETE FROM websocket_connections WHERE id = ANY($1::uuid[])",
    values: [ids],
  });
}

const CONNECTED = `EXISTS (SELECT 1 FROM websocket_connections c WHERE c.user_id = d.user_id)`;

/** A driver on a live trip whose connection went or came, with what their rider is told. */
export interface TripConnection {
  readonly driverId: string;
  readonly tripId: string | null;
  readonly last: (Coordinates & { readonly at: string }) | null;
}

interface TripConnectionRow {
  readonly user_id: string;
  readonly trip_id: string | null;
  readonly lat: number | null;
  readonly lng: number | null;
  readonly at: Date | null;
}

/** In the order of their ids, as the engine locks drivers too. */
const changing = (condition: string, set: string) => `
WITH locked AS (
  SELECT d.user_id FROM driver_details d WHERE ${condition} ORDER BY d.user_id FOR UPDATE
), changed AS (
  UPDATE driver_details d SET disconnected_at = ${set} FROM locked WHERE d.user_id = locked.user_id AND ${condition} RETURNING d.user_id
)
SELECT changed.user_id, t.id AS trip_id, l.location[1] AS lat, l.location[0] AS lng, l.updated_at AS at FROM changed
LEFT JOIN trip_requests t ON t.driver_id = changed.user_id AND t.current_status IN ('accepted', 'arrived', 'ongoing')
LEFT JOIN user_last_locations l ON l.user_id = changed.user_id`;

const toConnection = ({ user_id, trip_id, lat, lng, at }: TripConnectionRow): TripConnection => ({
  driverId: user_id,
  tripId: trip_id,
  last: lat === null || lng === null || at === null ? null : { lat, lng, at: at.toISOString() },
});

/** Of these drivers those whose last connection has ended. */
export async function markDisconnected(db: Queryable, driverIds: readonly string[]): Promise<TripConnection[]> {
  const { rows } = await db.query<TripConnectionRow>({
    name: "drivers-disconnected",
    text: changing(`d.user_id = ANY($1::uuid[]) AND d.disconnected_at IS NULL AND NOT ${CONNECTED}`, "now()"),
    values: [driverIds],
  });
  return rows.map(toConnection);
}

/** Drivers who are connected again, or were heard of by another way. */
export async function markConnected(db: Queryable): Promise<TripConnection[]> {
  const { rows } = await db.query<TripConnectionRow>({
    name: "drivers-connected",
    text: changing(
      `d.disconnected_at IS NOT NULL AND (${CONNECTED} OR EXISTS (
         SELECT 1 FROM user_last_locations heard WHERE heard.user_id = d.user_id AND heard.updated_at > d.disconnected_at + interval '1 second'))`,
      "NULL",
    ),
  });
  return rows.map(toConnection);
}

/**
 * Forgets gateways that have not been heard of, with all they held; answers the drivers it was the last to hold. They are
 * gone since the gateway was heard of last, or they were: the last position it passed on is no sign of a life after it.
 */
export async function dropDeadServers(db: Queryable, deadAfterSeconds: number): Promise<TripConnection[]> {
  const { rows } = await db.query<TripConnectionRow>({
    name: "gateways-dead",
    text: `
      WITH dead AS (
        DELETE FROM gateway_servers WHERE last_seen_at < now() - make_interval(secs => $1) RETURNING id, last_seen_at
      ), held AS (
        SELECT c.user_id, max(dead.last_seen_at) AS last_seen_at FROM websocket_connections c JOIN dead ON dead.id = c.server_id
        WHERE c.user_type = 'driver' GROUP BY c.user_id
      ), locked AS (
        SELECT d.user_id, held.last_seen_at FROM driver_details d JOIN held ON held.user_id = d.user_id
        WHERE d.disconnected_at IS NULL AND NOT EXISTS (
          SELECT 1 FROM websocket_connections c WHERE c.user_id = d.user_id AND c.server_id NOT IN (SELECT id FROM dead))
        ORDER BY d.user_id FOR UPDATE OF d
      ), changed AS (
        UPDATE driver_details d SET disconnected_at = GREATEST(locked.last_seen_at, heard.updated_at)
        FROM locked LEFT JOIN user_last_locations heard ON heard.user_id = locked.user_id
        WHERE d.user_id = locked.user_id RETURNING d.user_id
      )
      SELECT changed.user_id, t.id AS trip_id, l.location[1] AS lat, l.location[0] AS lng, l.updated_at AS at FROM changed
      LEFT JOIN trip_requests t ON t.driver_id = changed.user_id AND t.current_status IN ('accepted', 'arrived', 'ongoing')
      LEFT JOIN user_last_locations l ON l.user_id = changed.user_id`,
    values: [deadAfterSeconds],
  });
  return rows.map(toConnection);
}

export async function readClock(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>({ name: "presence-clock", text: "SELECT now() AS now" });
  return rows[0]?.now ?? new Date(0);
}

/** On line, idle, and gone for longer than the grace. */
const SILENT = `d.is_online AND d.availability_status <> 'on_trip' AND d.disconnected_at < now() - make_interval(secs => $1) AND NOT ${CONNECTED}`;

export async function findSilent(db: Queryable, graceSeconds: number, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ user_id: string }>({
    name: "drivers-silent",
    text: `SELECT d.user_id FROM driver_details d WHERE ${SILENT} ORDER BY d.disconnected_at LIMIT $2`,
    values: [graceSeconds, limit],
  });
  return rows.map((row) => row.user_id);
}

/** Asked once more under the row's lock: a driver who got a trip, or is back, stays. */
export async function takeOffline(tx: Queryable, driverId: string, graceSeconds: number): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: "driver-take-offline",
    text: `UPDATE driver_details d SET is_online = false, availability_status = 'unavailable', availability_since = now(), updated_at = now()
           WHERE d.user_id = $2 AND ${SILENT}`,
    values: [graceSeconds, driverId],
  });
  return (rowCount ?? 0) > 0;
}

export interface GatewayRow {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly stats: Readonly<Record<string, unknown>>;
  readonly started_at: Date;
  readonly last_seen_at: Date;
  readonly connections: number;
}

export async function readServers(db: Queryable): Promise<GatewayRow[]> {
  const { rows } = await db.query<GatewayRow>(
    `SELECT g.id, g.host, g.pid, g.stats, g.started_at, g.last_seen_at, count(c.id)::int AS connections
     FROM gateway_servers g LEFT JOIN websocket_connections c ON c.server_id = g.id GROUP BY g.id ORDER BY g.started_at`,
  );
  return rows;
}

/** Connections and people by kind of user. */
export async function countConnected(
  db: Queryable,
): Promise<{ readonly user_type: string; readonly connections: number; readonly people: number }[]> {
  const { rows } = await db.query<{ user_type: string; connections: number; people: number }>(
    "SELECT user_type, count(*)::int AS connections, count(DISTINCT user_id)::int AS people FROM websocket_connections GROUP BY user_type",
  );
  return rows;
}
