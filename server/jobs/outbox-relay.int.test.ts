import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { OutboxRelay } from "#server/jobs/outbox-relay.ts";
import type { Database } from "#server/platform/db.ts";
import type { JobQueue, JobToAdd } from "#server/platform/job-queue.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

/** A relay to a queue that keeps each job once by its id, as BullMQ does. */
function relayTo(add: (jobs: readonly JobToAdd[]) => Promise<void>, db: Database = t.app.db) {
  const { config, logger, metrics } = t.app;
  return new OutboxRelay({
    db,
    queue: { add, get: async () => null } as unknown as JobQueue,
    databaseUrl: config.database.url,
    logger,
    metrics,
  });
}
function keeping() {
  const jobs = new Map<string, JobToAdd>();
  let added = 0;
  const add = async (more: readonly JobToAdd[]) => {
    added += more.length;
    for (const job of more) if (!jobs.has(job.id)) jobs.set(job.id, job);
  };
  return { jobs, add, added: () => added };
}
const insert = (count: number, topic = "clean-up") =>
  t.app.db.pool.query(
    'INSERT INTO outbox (id, topic, payload) SELECT gen_random_uuid(), $2, \'{"hour":"x"}\' FROM generate_series(1, $1)',
    [count, topic],
  );
const unpublished = () => t.value("SELECT count(*)::int FROM outbox WHERE published_at IS NULL");

test("every committed row becomes one job, under the row's id", async () => {
  await insert(450);
  const queue = keeping();
  expect(await relayTo(queue.add).drain()).toBe(450);
  const ids = await t.rows<{ id: string }>("SELECT id FROM outbox WHERE publications = 1");
  expect([...queue.jobs.keys()].sort()).toEqual(ids.map((row) => row.id).sort());
  expect(await relayTo(queue.add).drain()).toBe(0);
});

test("a row whose id is lower but that commits later is published, too", async () => {
  const early = await t.app.db.pool.connect();
  const earlyId = newId();
  await early.query("BEGIN");
  await early.query("INSERT INTO outbox (id, topic, payload) VALUES ($1, 'clean-up', '{\"hour\":\"early\"}')", [
    earlyId,
  ]);
  await insert(3);
  const queue = keeping();
  expect(await relayTo(queue.add).drain()).toBe(3);
  await early.query("COMMIT");
  early.release();
  expect(await relayTo(queue.add).drain()).toBe(1);
  expect(queue.jobs.has(earlyId)).toBe(true);
});

test("several relays share the rows: each is handed over once", async () => {
  await insert(1000);
  const queue = keeping();
  const published = await Promise.all([1, 2, 3, 4].map(() => relayTo(queue.add).drain()));
  expect(published.reduce((sum, n) => sum + n, 0)).toBe(1000);
  expect([queue.jobs.size, queue.added()]).toEqual([1000, 1000]);
});

test("while the queue is away the rows stay unpublished, and go when it is back", async () => {
  await insert(5);
  await expect(relayTo(() => Promise.reject(new Error("Redis is away"))).drain()).rejects.toThrow("Redis is away");
  expect(await unpublished()).toBe(5);
  expect(await relayTo(keeping().add).drain()).toBe(5);
});

test("what is done or given up is not published again; what is neither is, by its age", async () => {
  await insert(3);
  const queue = keeping();
  const relay = relayTo(queue.add);
  await relay.drain();
  const [done, failed, lost] = [...queue.jobs.keys()];
  await t.app.db.pool.query("UPDATE outbox SET completed_at = now() WHERE id = $1", [done]);
  await t.app.db.pool.query("UPDATE outbox SET failed_at = now() WHERE id = $1", [failed]);
  queue.jobs.clear();
  expect(await relay.republish()).toBe(0);
  await t.app.db.pool.query("UPDATE outbox SET published_at = now() - interval '1 minute'");
  expect(await relay.republish()).toBe(1);
  expect([...queue.jobs.keys()]).toEqual([lost]);
});

test("a row of an unknown topic is given up and holds up nobody", async () => {
  await insert(1, "no-such-job");
  await insert(2);
  const queue = keeping();
  await relayTo(queue.add).drain();
  expect(queue.jobs.size).toBe(2);
  expect(await t.rows("SELECT topic, failed_at IS NOT NULL AS failed FROM outbox WHERE failed_at IS NOT NULL")).toEqual(
    [{ topic: "no-such-job", failed: true }],
  );
});

describe("a relay that dies between the queue and its mark", () => {
  /** Adds, then dies before the commit. */
  const dying = (queue: ReturnType<typeof keeping>) =>
    relayTo(async (jobs) => {
      await queue.add(jobs);
      throw new Error("killed");
    });

  test("leaves rows that another publishes again, which is no second job", async () => {
    await insert(10);
    const queue = keeping();
    await expect(dying(queue).drain()).rejects.toThrow("killed");
    expect([queue.jobs.size, await unpublished()]).toEqual([10, 10]);
    expect(await relayTo(queue.add).drain()).toBe(10);
    expect(queue.jobs.size).toBe(10);
  });

  test("mutation: marked before the queue has them, they wait for the sweep of lost jobs", async () => {
    await insert(10);
    // The transaction around both is taken away, and the mark comes first.
    const queue = keeping();
    const ids = (await t.rows<{ id: string }>("SELECT id FROM outbox")).map((row) => row.id);
    await t.app.db.pool.query("UPDATE outbox SET published_at = now() WHERE id = ANY($1)", [ids]);
    // … killed here.
    expect(await relayTo(queue.add).drain()).toBe(0);
    expect(queue.jobs.size).toBe(0);
    // The sweep of unfinished rows would find them, 20 s later.
    expect(await relayTo(queue.add).republish(-1)).toBe(10);
  });

  test("mutation: without the row's id as the job's, the repeat is a second job", async () => {
    await insert(10);
    const queue = keeping();
    const renaming = async (jobs: readonly JobToAdd[]) => queue.add(jobs.map((job) => ({ ...job, id: newId() })));
    await expect(
      relayTo(async (jobs) => {
        await renaming(jobs);
        throw new Error("killed");
      }).drain(),
    ).rejects.toThrow("killed");
    await relayTo(renaming).drain();
    expect(queue.jobs.size).toBe(20);
  });
});

// The database was away as the queue gave the job up: unmarked, the row was published again for ever, each time in vain.
test("a job that the queue gave up unseen is marked as given up, not published again", async () => {
  const trip = await t.make.trip();
  const id = await t.value<string>(
    `INSERT INTO outbox (id, topic, trip_id, payload, published_at)
     VALUES (gen_random_uuid(), 'dispatch-trip', $1, jsonb_build_object('tripId', $1::uuid, 'batch', 1), now() - interval '1 minute') RETURNING id`,
    [trip],
  );
  const added: string[] = [];
  const relay = new OutboxRelay({
    db: t.app.db,
    queue: {
      add: async (jobs: readonly JobToAdd[]) => void added.push(...jobs.map((job) => job.id)),
      get: async () => ({ state: "failed", failedReason: "out of tries" }),
    } as unknown as JobQueue,
    databaseUrl: t.app.config.database.url,
    logger: t.app.logger,
    metrics: t.app.metrics,
  });
  expect(await relay.republish(20)).toBe(0);
  expect(added).toEqual([]);
  expect(await t.rows("SELECT failed_at IS NOT NULL AS failed, last_error FROM outbox WHERE id = $1", [id])).toEqual([
    { failed: true, last_error: "out of tries" },
  ]);
});
