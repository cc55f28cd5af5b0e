import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
let token: string;
const log: Record<string, unknown>[] = [];
beforeEach(async () => {
  log.length = 0;
  const logger = pino({ level: "error" }, { write: (line: string) => void log.push(JSON.parse(line)) });
  t = await createTestApp({ coordination: "standalone", overrides: { logger } });
  token = await t.operatorToken(await t.make.operator());
});
afterEach(() => t.dispose());

const REASON = "a test of the audit log";
const post = async (name: string, json: object) =>
  call(`${await t.listen()}/api/trpc/${name}`, { token, body: { json } });
const mutate = async (name: string, json: object) => {
  const answer = await post(name, json);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as { result: { data: { json: unknown } } }).result.data.json;
};

test("a change of the database is not done when its row cannot be written", async () => {
  const [one, driver] = [await t.make.trip(), await t.make.driver()];
  await t.accept(one, driver);
  await t.rows("ALTER TABLE activity_logs ADD CONSTRAINT none CHECK (false)");
  const before = await t.rows("SELECT current_status, driver_id, version FROM trip_requests");
  for (const action of ["trips.release", "trips.cancel"])
    expect((await post(action, { id: one, reason: REASON, expectedVersion: 1 })).status, action).toBe(500);
  expect(await t.rows("SELECT current_status, driver_id, version FROM trip_requests")).toEqual(before);
  expect(await t.broken()).toEqual([]);
  // The same calls, once the log can be written: it was that alone.
  await t.rows("ALTER TABLE activity_logs DROP CONSTRAINT none");
  await mutate("trips.release", { id: one, reason: REASON, expectedVersion: 1 });
});

test("what was done outside the database is answered as done, and the process's log has the row", async () => {
  const [one, two, driver] = [await t.make.trip(), await t.make.trip(), await t.make.driver()];
  await t.rows("DROP TABLE activity_logs");
  const locks = await Promise.all([one, two].map((trip) => t.app.lock.acquire(trip, driver)));
  const items = [one, two].map((tripId, n) => ({ tripId, value: locks[n]?.value }));
  expect(await mutate("locks.release", { items, reason: REASON })).toMatchObject([
    { tripId: one, outcome: "released" },
    { tripId: two, outcome: "released" },
  ]);
  expect(log).toHaveLength(2);
  expect(log[1]).toMatchObject({
    activity: {
      actor: { id: expect.any(String), name: "Test" },
      action: "lock.release",
      subject: { type: "lock", id: two },
      after: { outcome: "released" },
      reason: REASON,
      requestId: expect.any(String),
    },
  });
});
