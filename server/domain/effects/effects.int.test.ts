import { afterEach, beforeEach, expect, test } from "vitest";
import { Effects } from "#server/domain/effects/effects.ts";
import { processTripAcceptance } from "#server/jobs/handlers/process-trip-acceptance.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import { ProviderError } from "#server/platform/http-client.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { allAtOnce } from "#server/testing/wait.ts";

let t: TestApp;
const sent: string[] = [];
beforeEach(async () => {
  sent.length = 0;
  // Providers that remember nothing: what they are asked to send is sent.
  const push = {
    name: "recorder" as const,
    send: async (message: { dedupeKey: string }) => void sent.push(message.dedupeKey),
  };
  const sms = {
    name: "recorder" as const,
    canSendCodes: true,
    send: async (message: { dedupeKey: string }) => void sent.push(message.dedupeKey),
  };
  t = await createTestApp({ coordination: "standalone", overrides: { push, sms } });
});
afterEach(() => t.dispose());

async function acceptance() {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  await t.accept(trip, driver);
  const id = await t.value<string>("SELECT id FROM outbox WHERE trip_id = $1", [trip]);
  const payload = { tripId: trip, driverId: driver, version: 1, attemptId: id };
  return { trip, driver, run: (app = t.app) => processTripAcceptance(app, payload, { jobId: id, attempt: 1 }) };
}

test("a job run again and again sends each message once", async () => {
  const { trip, run } = await acceptance();
  for (let n = 0; n < 4; n++) await run();
  expect(sent.sort()).toEqual([`otp.push:${trip}:1`, `otp.sms:${trip}:1`]);
  expect(await t.value("SELECT count(*)::int FROM effects WHERE trip_id = $1 AND status <> 'done'", [trip])).toBe(0);
});

test("a message that fails is sent again by the next run, and the one that went out is not", async () => {
  const { trip, run } = await acceptance();
  let fails = true;
  const flaky = await createTestApp({
    coordination: "standalone",
    peerOf: t,
    overrides: {
      push: { name: "recorder", send: async (message) => void sent.push(message.dedupeKey) },
      sms: {
        name: "recorder",
        canSendCodes: true,
        send: async (message) => {
          if (fails) throw new Error("no route to the provider");
          sent.push(message.dedupeKey);
        },
      },
    },
  });
  await expect(run(flaky.app)).rejects.toThrow("no route to the provider");
  expect(
    await t.rows("SELECT effect, status, error FROM effects WHERE effect LIKE 'otp.s%s' AND trip_id = $1", [trip]),
  ).toEqual([{ effect: "otp.sms", status: "failed", error: "no route to the provider" }]);
  fails = false;
  await run(flaky.app);
  expect(sent).toEqual([`otp.push:${trip}:1`, `otp.sms:${trip}:1`]);
  await flaky.dispose();
});

// Every phone without a push token once made a failed job and an alert, and the console never heard of the acceptance.
test("a message that can never be sent is kept as failed and does not fail the job", async () => {
  const { trip, run } = await acceptance();
  const unreachable = await createTestApp({
    coordination: "standalone",
    peerOf: t,
    overrides: {
      push: {
        name: "fcm",
        send: async () => {
          throw new ProviderError("the phone has no push token", { permanent: true });
        },
      },
    },
  });
  await run(unreachable.app);
  expect(
    await t.rows(
      "SELECT effect, status, error FROM effects WHERE effect LIKE 'otp.%s%' AND trip_id = $1 ORDER BY effect",
      [trip],
    ),
  ).toEqual(
    expect.arrayContaining([
      { effect: "otp.push", status: "failed", error: "the phone has no push token" },
      { effect: "otp.sms", status: "done", error: null },
    ]),
  );
  await unreachable.dispose();
});

test("a trip accepted anew by another driver is a new message with another code", async () => {
  const first = await acceptance();
  await first.run();
  const other = await t.make.driver();
  await t.app.trips.release({ type: "operator", id: other }, first.trip, "broke down", null);
  await t.accept(first.trip, other);
  await t.drain();
  await first.run();
  expect(sent.filter((key) => key.startsWith("otp.sms"))).toEqual([
    `otp.sms:${first.trip}:1`,
    `otp.sms:${first.trip}:3`,
  ]);
});

test("an effect in the database and its mark are one: twenty at once, one done; a failed one leaves nothing", async () => {
  const { trip } = await acceptance();
  const key = { effect: "count", subject: trip, tripId: trip, jobId: "job" };
  const increment = (tx: Queryable) =>
    tx.query("UPDATE users SET token_version = token_version + 1 WHERE user_type = 'customer'");
  const failing = t.app.effects.inDatabase({
    key,
    work: async (tx) => {
      await increment(tx);
      throw new Error("half way");
    },
  });
  await expect(failing).rejects.toThrow("half way");
  const work = async (tx: Queryable) => void (await increment(tx));
  const done = await allAtOnce(20, () => t.app.effects.inDatabase({ key, work }));
  expect(done.filter((count) => count === 1)).toHaveLength(1);
  expect(await t.value("SELECT token_version FROM users WHERE user_type = 'customer'")).toBe(1);
});

test("mutation: without the unique key a re-run sends the codes twice, and the checker sees it", async () => {
  const { trip, run } = await acceptance();
  await t.app.db.pool.query("DROP INDEX effects_effect_subject_key");
  const forgetful = (query: Queryable["query"]): Queryable["query"] =>
    ((config: { text: string; values?: unknown[] }, ...rest: unknown[]) =>
      typeof config === "object" && config.text.includes("ON CONFLICT (effect, subject)")
        ? (query as (c: unknown) => unknown)({
            ...config,
            name: undefined,
            text: config.text.replace(/ON CONFLICT[\s\S]*?<> 'done'\n/, ""),
          })
        : (query as (...all: unknown[]) => unknown)(config, ...rest)) as Queryable["query"];
  const pool = { query: forgetful(t.app.db.pool.query.bind(t.app.db.pool) as Queryable["query"]) };
  const db = {
    ...t.app.db,
    pool,
    transaction: <T>(work: (tx: Queryable) => Promise<T>) =>
      t.app.db.transaction((tx) => work({ query: forgetful(tx.query.bind(tx) as Queryable["query"]) })),
  } as unknown as Database;
  const effects = new Effects(db);
  for (let n = 0; n < 2; n++)
    for (const effect of ["otp.push", "otp.sms"])
      await effects.outside({
        key: { effect, subject: `${trip}:1`, tripId: trip, jobId: "job" },
        send: async (key) => void sent.push(key),
      });
  expect(sent.filter((key) => key.startsWith("otp.sms"))).toHaveLength(2);
  expect(await t.broken()).toEqual(["effects_done_once"]);
  await expect(run()).rejects.toMatchObject({ code: "42P10" });
});
