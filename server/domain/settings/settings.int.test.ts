import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp();
});
afterEach(() => t.dispose());

const KEY = "abuse.driver_drops_per_day" as const;
const set = async (role: string, value: number, expectedVersion: number) =>
  (
    await call(`${await t.listen()}/api/trpc/settings.set`, {
      token: await t.operatorToken(await t.make.operator(role)),
      body: { json: { key: KEY, value, expectedVersion, reason: "a test of settings" } },
    })
  ).status;

test("a setting is its default until somebody changes it, within bounds, once for a version, in every process", async () => {
  const peer = await createTestApp({ peerOf: t });
  try {
    expect((await peer.app.settings.values())[KEY]).toBe(10);
    expect(await set("viewer", 3, 0)).toBe(403);
    expect([await set("admin", 0, 0), await set("admin", 201, 0)]).toEqual([400, 400]);
    expect((await Promise.all([set("admin", 3, 0), set("admin", 4, 0)])).sort()).toEqual([200, 409]);
    expect(await set("admin", 5, 1)).toBe(200);
    expect(await set("admin", 6, 1)).toBe(409);
    await waitUntil("the peer has it", async () => (await peer.app.settings.values())[KEY] === 5, 1500);
    expect(await t.rows("SELECT action, subject_id, after FROM activity_logs ORDER BY id DESC LIMIT 1")).toEqual([
      { action: "setting.change", subject_id: KEY, after: { value: 5 } },
    ]);
    expect((await t.app.settings.list()).find(({ key }) => key === KEY)).toMatchObject({ value: 5, version: 2 });
  } finally {
    await peer.dispose();
  }
});

test("a change that cannot be logged does not happen", async () => {
  await t.rows("ALTER TABLE activity_logs ADD CONSTRAINT none CHECK (false)");
  expect(await set("admin", 3, 0)).toBe(500);
  expect(await t.rows("SELECT * FROM business_settings")).toEqual([]);
});

test("a stored value out of bounds is held to them", async () => {
  await t.rows("INSERT INTO business_settings (key, value, updated_by_name) VALUES ($1, '9999', 'x')", [KEY]);
  expect((await t.app.settings.values())[KEY]).toBe(200);
});
