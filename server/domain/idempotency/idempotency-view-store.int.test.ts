import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { listKeys, readKey } from "#server/domain/idempotency/idempotency-view-store.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
let customer: string;
const claim = async (key: string, input: unknown = {}) =>
  t.app.idempotency.claim({ actorId: customer, operation: "rides.create", key, input, status: 201 });
const list = (more: Partial<Parameters<typeof listKeys>[1]> = {}) =>
  listKeys(t.app.db.pool, { states: [], q: "", conflicts: false, cursor: null, limit: 10, ...more });
const keysOf = async (more?: Parameters<typeof list>[0]) => (await list(more)).items.map(({ key }) => key);

beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  customer = await t.make.customer();
  const done = await claim("done");
  if (done.kind !== "mine") throw new Error("not claimed");
  await t.app.idempotency.finish(done.open, { status: 201, body: '{"id":"t","customer":{"phone":"+20100"}}' });
  await claim("done");
  await claim("done", { other: "body" }).catch(() => undefined);
  await claim("dead");
  await t.rows("UPDATE idempotency_keys SET lease_expires_at = now() - interval '1 s' WHERE idempotency_key = 'dead'");
  await claim("live");
});
afterAll(() => t.dispose());

test("newest first, each with who sent it, its state, lease, replays and conflicts", async () => {
  const { items } = await list();
  expect(items).toMatchObject([
    { key: "live", state: "running", statusCode: null },
    { key: "dead", state: "abandoned", leaseSeconds: null },
    { key: "done", state: "finished", leaseSeconds: null, statusCode: 201, replays: 1, conflicts: 1 },
  ]);
  expect(items[0]?.leaseSeconds).toBeGreaterThan(80);
  expect(items[0]).toMatchObject({ actorId: customer, actorName: "Test customer", actorType: "customer" });
});

test("by state, by conflicts, by the whole key or actor, and page by page", async () => {
  expect(await keysOf({ states: ["running", "abandoned"] })).toEqual(["live", "dead"]);
  expect(await keysOf({ conflicts: true })).toEqual(["done"]);
  expect(await keysOf({ q: "dead" })).toEqual(["dead"]);
  expect(await keysOf({ q: customer })).toHaveLength(3);
  expect(await keysOf({ q: newId() })).toEqual([]);
  const first = await list({ limit: 2 });
  expect(await keysOf({ limit: 2, cursor: first.nextCursor })).toEqual(["done"]);
});

test("one key's stored answer is shown without personal data", async () => {
  const [done] = (await list({ q: "done" })).items;
  expect(await readKey(t.app.db.pool, done?.id ?? "")).toMatchObject({
    requestHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    body: { id: "t", customer: { phone: "•••" } },
  });
  expect(await readKey(t.app.db.pool, newId())).toBeNull();
});
