import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import {
  type PrivatePostgres,
  type PrivateRedis,
  startPrivatePostgres,
  startPrivateRedis,
} from "#server/testing/services.ts";
import { startTcpProxy } from "#server/testing/tcp-proxy.ts";
import { waitUntil } from "#server/testing/wait.ts";

const done = (t: TestApp, trip: string) =>
  waitUntil(
    "the acceptance's job is done",
    () => t.value<boolean>("SELECT bool_and(completed_at IS NOT NULL) FROM outbox WHERE trip_id = $1", [trip]),
    60_000,
  );
const messagesOf = (t: TestApp, trip: string) =>
  t.value("SELECT count(*)::int FROM recorded_messages WHERE trip_id = $1 AND dedupe_key LIKE 'otp.%'", [trip]);

/** Reliability, "Outbox and jobs": Redis forgets, goes, and comes back. */
describe("Redis", () => {
  let redis: PrivateRedis;
  let t: TestApp;
  const servers: TestServer[] = [];
  const spawn = async (roles: "worker" | "web") => {
    const server = await spawnServer({ roles, env: t.env });
    servers.push(server);
    return server;
  };
  beforeEach(async () => {
    redis = await startPrivateRedis();
    t = await createTestApp({ env: { REDIS_URL: redis.url, JOB_STALLED_SECONDS: "2" } });
    await waitUntil(
      "the job queue's first connection",
      async () => (await t.app.queue.counts("critical").catch(() => null)) !== null,
    );
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.kill()));
    await t.dispose();
    await redis.stop();
  });
  async function acceptedTrip(): Promise<string> {
    const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
    expect((await t.accept(trip, driver)).accepted).toBe(true);
    return trip;
  }

  test("published twice is one job; killed between publishing and marking, it is published again", async () => {
    const trip = await acceptedTrip();
    const [row] = await t.rows<{ id: string; topic: "process-trip-acceptance"; payload: unknown }>(
      "SELECT id, topic, payload FROM outbox WHERE trip_id = $1",
      [trip],
    );
    if (row === undefined) throw new Error("no outbox row");
    await t.app.queue.add([{ id: row.id, name: row.topic, payload: row.payload }]);
    expect(await t.relay.drain()).toBe(1);
    expect(await t.relay.republish(0)).toBe(1);
    expect(await t.app.queue.counts("critical")).toMatchObject({ waiting: 1, active: 0, completed: 0 });
  });

  test("FLUSHALL with jobs waiting: the relay publishes again what is not done, and nothing that is", async () => {
    const first = await acceptedTrip();
    await t.drain();
    const second = await acceptedTrip();
    expect(await t.relay.drain()).toBe(1);
    await t.app.redis?.commands.flushall();
    expect(await t.app.queue.counts("critical")).toMatchObject({ waiting: 0 });
    // The relay waits 20 s before it takes a job for lost; the row is made to look that old.
    await t.app.db.pool.query("UPDATE outbox SET published_at = published_at - interval '1 minute'");
    await spawn("worker");
    await done(t, second);
    expect([await messagesOf(t, first), await messagesOf(t, second)]).toEqual([2, 2]);
    expect(await t.broken()).toEqual([]);
  });

  test("away: the API accepts and books all the same, rows wait, and go when it is back", async () => {
    const [web, driver, customer, trip] = await Promise.all([
      spawn("web"),
      t.make.driver(),
      t.make.customer(),
      t.make.trip(),
    ]);
    const worker = await spawn("worker");
    await redis.kill();
    const [driverToken, customerToken] = await Promise.all([t.token("driver", driver), t.token("customer", customer)]);
    const accept = await call(`${web.url}/api/v1/trips/${trip}/accept`, {
      token: driverToken,
      body: {},
      timeoutMs: 3000,
    });
    expect(accept.status).toBe(200);
    const booked = await call(`${web.url}/api/v1/trips`, {
      token: customerToken,
      headers: { "idempotency-key": "one" },
      body: {
        pickup: { lat: 30.05, lng: 31.24 },
        destination: { lat: 30.06, lng: 31.25 },
        vehicleCategory: "economy",
        paymentMethod: "cash",
      },
      timeoutMs: 3000,
    });
    expect(booked.status).toBe(201);
    const ready = await call(`${web.url}/health/ready`, { method: "GET" });
    expect([ready.status, ready.body.status]).toEqual([200, "degraded"]);
    await waitUntil("the relay has tried", () => worker.log.some((line) => /rows wait/.test(String(line.msg))));
    const troubles = worker.log.filter((line) => /^job queue: trouble with redis/.test(String(line.msg)));
    expect(troubles[0]).toMatchObject({ level: "warn", err: expect.anything() });
    expect(troubles.length, "each kind of trouble once, not each try of each connection").toBeLessThanOrEqual(3);
    expect(await t.value("SELECT count(*)::int FROM outbox WHERE published_at IS NULL AND trip_id IS NOT NULL")).toBe(
      2,
    );
    await redis.start();
    await done(t, trip);
    expect(await messagesOf(t, trip)).toBe(2);
    expect(await t.broken()).toEqual([]);
  });

  test("that may evict is said so by readiness", async () => {
    const url = await t.listen();
    const ready = () => call(`${url}/health/ready`, { method: "GET" });
    expect((await ready()).body.status).toBe("ready");
    await t.app.redis?.commands.config("SET", "maxmemory-policy", "allkeys-lru");
    const answer = await ready();
    expect([answer.status, answer.body.status]).toEqual([200, "degraded"]);
    expect(JSON.stringify(answer.body)).toContain("maxmemory-policy is allkeys-lru");
  });
});

/** The replica is behind when it takes over: some locks and jobs were never copied to it. */
test("Redis fails over to its replica while drivers fight for trips: one each, and every job is done", async () => {
  const [primary, replica] = await Promise.all([startPrivateRedis(), startPrivateRedis()]);
  const proxy = await startTcpProxy({ port: primary.port });
  const t = await createTestApp({ env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}` } });
  const admin = new Redis(replica.url);
  const worker = await spawnServer({ roles: "worker", env: t.env });
  try {
    await admin.replicaof("127.0.0.1", primary.port);
    await waitUntil("the replica follows", async () => /master_link_status:up/.test(await admin.info("replication")));
    const [trips, drivers] = await Promise.all([t.make.trips(60), t.make.drivers(60)]);
    const contend = (from: number, to: number) =>
      trips.slice(from, to).flatMap((trip, n) =>
        // Five drivers want each trip, and each driver wants five.
        [0, 1, 2, 3, 4].map((step) => t.accept(trip, drivers[(from + n + step) % drivers.length] ?? "")),
      );
    const before = contend(0, 30);
    await primary.kill();
    await admin.replicaof("NO", "ONE");
    proxy.setTarget(replica.port);
    proxy.reset();
    const meanwhile = contend(20, 50);
    await waitUntil("Redis is used again", () => t.app.redis?.isReady() === true);
    const outcomes = await Promise.all([...before, ...meanwhile, ...contend(40, 60)]);
    const won = await t.rows<{ id: string }>("SELECT id FROM trip_requests WHERE driver_id IS NOT NULL");
    expect(outcomes.filter((one) => one.accepted && !one.alreadyAccepted)).toHaveLength(won.length);
    expect(won.length).toBeGreaterThan(30);
    for (const { id } of won) await done(t, id);
    // Locks taken from memory meanwhile, or lost with the primary, refuse nobody wrongly; an operator clears what is left.
    const { locks } = await t.app.locks.view();
    for (const { tripId, value, verdict } of locks) if (verdict === "foreign") await t.app.locks.release(tripId, value);
    expect(await t.broken()).toEqual([]);
    for (const { id } of won) expect(await messagesOf(t, id)).toBe(2);
  } finally {
    await worker.stop();
    await t.dispose();
    admin.disconnect();
    await proxy.close();
    await Promise.all([primary.stop(), replica.stop()]);
  }
}, 120_000);

test("stopping while Redis is gone takes a moment, not the whole deadline", async () => {
  const redis = await startPrivateRedis();
  const t = await createTestApp({ env: { REDIS_URL: redis.url } });
  const worker = await spawnServer({ roles: "worker", env: { ...t.env, SHUTDOWN_SECONDS: "60" } });
  await waitUntil("it works", () => worker.log.some((line) => /ready/.test(String(line.msg))));
  await redis.kill();
  await worker.stop();
  const stopped = worker.log.find((line) => line.msg === "stopped");
  expect(stopped).toMatchObject({ unfinishedJobs: 0 });
  expect(Number(stopped?.ms)).toBeLessThan(15_000);
  await t.dispose();
  await redis.stop();
});

describe.each(COORDINATIONS)("PostgreSQL, with jobs on %s", (coordination) => {
  let postgres: PrivatePostgres;
  let t: TestApp;
  let server: TestServer;
  beforeAll(async () => {
    postgres = await startPrivatePostgres();
    t = await createTestApp({ coordination, databaseUrl: postgres.url });
    server = await spawnServer({ roles: "web,worker", env: t.env });
  });
  afterAll(async () => {
    await server.stop();
    await t.dispose();
    await postgres.stop();
  });

  test("crashes and comes back: 503 meanwhile, nothing committed is lost, and jobs are picked up again by themselves", async () => {
    const [[one = "", two = ""], [a = "", b = ""]] = await Promise.all([t.make.trips(2), t.make.drivers(2)]);
    const accept = async (trip: string, driver: string) =>
      call(`${server.url}/api/v1/trips/${trip}/accept`, { token: await t.token("driver", driver), body: {} });
    expect((await accept(one, a)).status).toBe(200);
    await done(t, one);
    await postgres.crash();
    expect(server.words, "the server died of it").toEqual([]);
    const refused = await accept(two, b);
    expect([refused.status, refused.body.code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    const [ready] = await Promise.all([1, 2, 3].map(() => call(`${server.url}/health/ready`, { method: "GET" })));
    expect([ready?.status, ready?.body.status]).toEqual([503, "down"]);
    const dependencies = ready?.body.dependencies as { postgres: unknown };
    expect(dependencies.postgres, "the cause in a word").toEqual({
      status: "down",
      latencyMs: null,
      detail: "unreachable",
    });
    const reasons = server.log.filter((line) => /^not ready/.test(String(line.msg)));
    const causes = reasons.map((line) => (line.err as { message: string }).message);
    expect(causes.length, "the rest in the log").toBeGreaterThan(0);
    // Three asked: a connection that was lost and one that is refused are two kinds of trouble, each said once.
    expect(new Set(causes).size, "once of a kind").toBe(causes.length);
    await postgres.start();
    await waitUntil(
      "the server is ready again",
      async () => (await call(`${server.url}/health/ready`, { method: "GET" })).status === 200,
    );
    expect((await accept(one, a)).body).toMatchObject({ alreadyAccepted: true });
    expect((await accept(two, b)).body).toMatchObject({ alreadyAccepted: false });
    await done(t, one);
    await done(t, two);
    expect([await messagesOf(t, one), await messagesOf(t, two)]).toEqual([2, 2]);
    expect(await t.broken()).toEqual([]);
  });

  test("away as a worker starts: it works once the database is there", async () => {
    await server.stop();
    await postgres.crash();
    server = await spawnServer({ roles: "web,worker", env: t.env });
    await waitUntil("it has noticed", () =>
      server.log.some((line) => /rows wait|round skipped|cannot reach/.test(String(line.msg))),
    );
    await postgres.start();
    await waitUntil(
      "the server is ready",
      async () => (await call(`${server.url}/health/ready`, { method: "GET" })).status === 200,
    );
    const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
    const token = await t.token("driver", driver);
    expect((await call(`${server.url}/api/v1/trips/${trip}/accept`, { token, body: {} })).status).toBe(200);
    await done(t, trip);
    expect(await messagesOf(t, trip)).toBe(2);
  });
});
