import { afterEach, beforeEach, expect, test } from "vitest";
import { createJobRunner } from "#server/jobs/job-runner.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const open = async () => (await t.app.alerts.list({ open: true, cursor: null, limit: 50 })).items;
const about = (id: string) =>
  ({ kind: "driver.teleported", severity: "warning", subject: { type: "driver", id }, summary: "Jumped." }) as const;

test("the same trouble is one open alert, counted, also from many at once; resolved it may come again", async () => {
  const driver = await t.make.driver();
  await Promise.all(Array.from({ length: 20 }, () => t.app.alerts.raiseWith(t.app.db.pool, about(driver))));
  expect(await open()).toMatchObject([{ occurrences: 20, subject: { id: driver, name: "Test driver" } }]);
  const resolve = async (role: string) =>
    call(`${await t.listen()}/api/trpc/alerts.resolve`, {
      token: await t.operatorToken(await t.make.operator(role)),
      body: { json: { id: (await open())[0]?.id, reason: "looked at it" } },
    });
  const id = (await open())[0]?.id;
  expect((await resolve("viewer")).status).toBe(403);
  expect((await resolve("dispatcher")).status).toBe(200);
  expect(await t.rows("SELECT action, subject_id, reason FROM activity_logs")).toEqual([
    { action: "alert.resolve", subject_id: id, reason: "looked at it" },
  ]);
  await t.app.alerts.raiseWith(t.app.db.pool, about(driver));
  expect(await open()).toMatchObject([{ occurrences: 1 }]);
  expect((await t.app.alerts.list({ open: false, cursor: null, limit: 50 })).items).toMatchObject([
    { id, resolution: "looked at it", resolvedBy: "Test" },
  ]);
});

test("two who resolve one alert at once: one does", async () => {
  await t.app.alerts.raiseWith(t.app.db.pool, about(await t.make.driver()));
  const id = (await open())[0]?.id as string;
  const actor = { id: await t.make.operator(), name: "Test" };
  const outcomes = await Promise.allSettled(
    [1, 2].map(() => t.app.alerts.resolve(actor, { id, reason: "looked at it" }, async () => undefined)),
  );
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("a position that cannot be is an alert within a second, and the message waited for nothing", async () => {
  const driver = await t.make.driver();
  await t.app.locations.accept(driver, HERE);
  t.app.locations.forget(driver);
  const before = t.app.db.pool.totalCount;
  expect(t.app.locations.accept(driver, { lat: HERE.lat + 1, lng: HERE.lng })).toBe(true);
  expect(t.app.db.pool.totalCount).toBe(before);
  await t.app.alerts.drain();
  expect(await open()).toMatchObject([{ kind: "driver.teleported", subject: { id: driver } }]);
});

test("a job that is given up is an alert; stalled twice a critical one", async () => {
  const runner = createJobRunner(t.app);
  const ids = ["0199aaaa-0000-7000-8000-000000000011", "0199aaaa-0000-7000-8000-000000000012"];
  await runner.gaveUp(ids[0] as string, "low", new Error("no provider"));
  await runner.gaveUp(ids[1] as string, "low", new Error("job stalled more than allowable limit"));
  await t.app.alerts.drain();
  expect((await open()).map(({ kind, severity }) => [kind, severity]).sort()).toEqual([
    ["job.gave_up", "warning"],
    ["job.stalled_twice", "critical"],
  ]);
  expect(await t.app.alerts.count()).toEqual({ open: 2, critical: 1 });
});
