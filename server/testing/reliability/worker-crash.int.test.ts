import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import { type FakeSmsProvider, startSmsProvider } from "#server/testing/sms-provider.ts";
import { waitUntil } from "#server/testing/wait.ts";

const EFFECTS = ["customer.told", "offers.revoked", "otp.push", "otp.sms", "otp.stored", "route.calculated"];

/** Reliability, "Outbox and jobs": workers that die in the middle. A job is caught by the SMS it waits for. */
describe.each(COORDINATIONS)("workers on %s", (coordination) => {
  let t: TestApp;
  let sms: FakeSmsProvider;
  const servers: TestServer[] = [];
  beforeEach(async () => {
    sms = await startSmsProvider();
    const env = { SMS_HTTP_URL: sms.url, JOB_STALLED_SECONDS: "1", SHUTDOWN_SECONDS: "10" };
    t = await createTestApp({ coordination, env });
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.kill()));
    await sms.close();
    await t.dispose();
  });

  const spawn = async (roles: "worker" | "web" = "worker") => {
    const server = await spawnServer({ roles, env: t.env });
    servers.push(server);
    return server;
  };
  async function acceptedTrip(): Promise<string> {
    const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
    await t.make.place([driver]);
    expect((await t.accept(trip, driver)).accepted).toBe(true);
    return trip;
  }
  const rowOf = async (trip: string) =>
    (
      await t.rows<{ done: boolean; failed: boolean; publications: number; last_error: string | null }>(
        `SELECT completed_at IS NOT NULL AS done, failed_at IS NOT NULL AS failed, publications, last_error FROM outbox WHERE trip_id = $1 AND topic = 'process-trip-acceptance'`,
        [trip],
      )
    )[0];
  const finished = (trip: string) =>
    waitUntil("the job is done", async () => (await rowOf(trip))?.done === true, 60_000);
  const effectsOf = async (trip: string) =>
    (
      await t.rows<{ effect: string }>(
        "SELECT effect FROM effects WHERE trip_id = $1 AND status = 'done' ORDER BY effect",
        [trip],
      )
    ).map((row) => row.effect);
  const pushesOf = (trip: string) =>
    t.value("SELECT count(*)::int FROM recorded_messages WHERE channel = 'push' AND trip_id = $1", [trip]);

  test("a process killed after the commit and before publishing: another publishes; what was rolled back never is", async () => {
    const trip = await acceptedTrip();
    await expect(
      t.app.db.transaction(async (tx) => {
        await tx.query(
          "INSERT INTO outbox (id, topic, payload) VALUES (gen_random_uuid(), 'clean-up', '{\"hour\":\"never\"}')",
        );
        throw new Error("changed our mind");
      }),
    ).rejects.toThrow("changed our mind");
    expect(await rowOf(trip)).toMatchObject({ done: false, publications: 0 });
    await spawn();
    await finished(trip);
    expect(await effectsOf(trip)).toEqual(EFFECTS);
    expect(sms.keys).toHaveLength(1);
    expect(await t.value("SELECT count(*)::int FROM outbox WHERE payload->>'hour' = 'never'")).toBe(0);
  });

  test("kill -9 in the middle of a job: another worker runs it again, each effect once", async () => {
    sms.hold();
    const first = await spawn();
    const trip = await acceptedTrip();
    await waitUntil("the job waits for its SMS", () => sms.keys.length === 1);
    await first.kill();
    sms.answerAll();
    await spawn();
    await finished(trip);
    expect(await effectsOf(trip)).toEqual(EFFECTS);
    expect(await pushesOf(trip)).toBe(1);
    // The SMS had gone out for all anyone knows: it goes again under the same key, by which the provider drops it.
    expect(sms.keys).toEqual([`otp.sms:${trip}:1`, `otp.sms:${trip}:1`]);
    expect(await t.broken()).toEqual([]);
  });

  test("a worker lost twice with the same job: given up, marked on its row, and somebody is alerted; retried by hand it is done", async () => {
    sms.hold();
    const trip = await acceptedTrip();
    for (const lost of [1, 2]) {
      const worker = await spawn();
      await waitUntil(`the job waits for its SMS, try ${lost}`, () => sms.keys.length === lost, 60_000);
      await worker.kill();
    }
    const third = await spawn();
    await waitUntil("the row says given up", async () => (await rowOf(trip))?.failed === true, 60_000);
    expect(await rowOf(trip)).toMatchObject({ done: false, last_error: expect.stringContaining("stalled more than") });
    expect(third.log.filter((line) => line.alert === "job.stalled_twice")).toHaveLength(1);
    expect(sms.keys).toHaveLength(2);
    sms.answerAll();
    const counted = () => t.app.queue.counts("critical").catch(() => null);
    await waitUntil("the job queue's first connection", async () => (await counted()) !== null);
    const [job] = await t.app.queue.failed("critical", 10);
    expect(await t.app.jobs.retry("critical", [job?.id ?? ""])).toMatchObject([{ outcome: "retried" }]);
    await finished(trip);
    expect(await rowOf(trip)).toMatchObject({ failed: false });
    expect(await effectsOf(trip)).toEqual(EFFECTS);
  });

  test("SIGTERM: the running job is finished first, what comes later is left to others, and nothing is left stalled", async () => {
    sms.hold();
    const worker = await spawn();
    const trip = await acceptedTrip();
    await waitUntil("the job waits for its SMS", () => sms.keys.length === 1);
    const stopped = worker.stop();
    await waitUntil("it heard", () => worker.log.some((line) => line.msg === "stopping"));
    const later = await acceptedTrip();
    sms.answerAll();
    expect(await stopped).toBe(0);
    expect(worker.log.at(-1)).toMatchObject({ msg: "stopped", unfinishedJobs: 0 });
    expect(await rowOf(trip)).toMatchObject({ done: true });
    // Done by it in its last moments, or by the next: once in any case.
    await spawn();
    await finished(later);
    expect(sms.keys).toEqual([`otp.sms:${trip}:1`, `otp.sms:${later}:1`]);
  });
});
