import { createServer, type Server } from "node:http";
import pg from "pg";

/**
 * The flow that this platform replaces, as the brief's "before" describes it (check, then update; every message sent
 * before the answer), with its delays scaled 1:10. For comparison only: it is wrong on purpose.
 */
const DELAYS_MS = {
  availability: 20,
  category: 15,
  bidding: 30,
  status: 20,
  cleanUp: 15,
  fcm: 80,
  sms: 150,
  jobs: 10,
  redis: 30,
  reload: 200,
  answer: 50,
} as const;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function startNaiveServer(databaseUrl: string): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });

  async function accept(tripId: string, driverId: string): Promise<number> {
    await pause(DELAYS_MS.availability + DELAYS_MS.category);
    const { rows } = await pool.query<{ driver_id: string | null }>(
      "SELECT driver_id FROM trip_requests WHERE id = $1",
      [tripId],
    );
    if (rows[0] === undefined || rows[0].driver_id !== null) return 403;
    const vehicle = await pool.query<{ id: string }>("SELECT id FROM vehicles WHERE driver_id = $1", [driverId]);
    // The race: whoever read "no driver" above writes.
    await pool.query(
      "UPDATE trip_requests SET driver_id = $2, vehicle_id = $3, current_status = 'accepted', version = version + 1 WHERE id = $1",
      [tripId, driverId, vehicle.rows[0]?.id],
    );
    await pause(DELAYS_MS.bidding + DELAYS_MS.status + DELAYS_MS.cleanUp);
    await pool.query("UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = $1", [driverId]);
    await pause(DELAYS_MS.fcm);
    await pause(DELAYS_MS.sms);
    await pause(DELAYS_MS.jobs + DELAYS_MS.redis);
    await pool.query(
      "SELECT t.*, c.* FROM trip_requests t JOIN trip_request_coordinates c ON c.trip_request_id = t.id WHERE t.id = $1",
      [tripId],
    );
    await pause(DELAYS_MS.reload + DELAYS_MS.answer);
    return 200;
  }

  const server: Server = createServer((request, response) => {
    const [, , tripId = "", driverId = ""] = (request.url ?? "").split("/");
    request.resume();
    accept(tripId, driverId).then(
      (status) => response.writeHead(status, { "Content-Length": 2 }).end("{}"),
      () => response.writeHead(500, { "Content-Length": 2 }).end("{}"),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await pool.end();
    },
  };
}
