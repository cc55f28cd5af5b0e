import { afterAll, beforeAll, expect, test } from "vitest";
import type { TripDetail } from "#server/contracts/console.ts";
import type { FleetFrame } from "#server/contracts/fleet.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Permission } from "#server/contracts/permissions.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

/** What one permission opens holds parts that another one guards: each is there for those who hold both. */
let t: TestApp;
let url: string;
let trip: string;
let phone: string;
const CODE = "The code is 4711";

beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
  const driver = await t.make.driver();
  trip = await t.make.trip();
  await t.make.place([driver]);
  await t.accept(trip, driver);
  phone = await t.value("SELECT phone FROM users WHERE id = $1", [driver]);
  await t.rows(
    `INSERT INTO recorded_messages (id, channel, recipient, body, data, trip_id, dedupe_key)
     VALUES ($1, 'sms', '+201100000001', $2, '{}', $3, 'parts')`,
    [newId(), CODE, trip],
  );
  t.app.events.record({
    tripId: trip,
    kind: "payment.succeeded",
    actor: { type: "system", id: null },
    data: { gateway: "sandbox", verdict: "matched" },
  });
  await t.app.events.drain();
});
afterAll(() => t.dispose());

let roles = 0;
async function holder(permissions: readonly Permission[]): Promise<string> {
  const role = `part_${++roles}`;
  await t.rows("INSERT INTO roles (name, title, permissions) VALUES ($1, $1, $2)", [role, permissions]);
  return t.operatorToken(await t.make.operator(role));
}
async function read<T>(token: string, path: string, input: object = {}): Promise<T> {
  const query = encodeURIComponent(JSON.stringify({ json: input }));
  const answer = await call(`${url}/api/trpc/${path}?input=${query}`, { token, method: "GET" });
  expect(answer.status, answer.text).toBe(200);
  return (answer.body as { result: { data: { json: T } } }).result.data.json;
}
const detail = (token: string) => read<TripDetail>(token, "trips.detail", { id: trip });

/** The first frame of the live map. */
async function firstFrame(token: string): Promise<FleetFrame> {
  const response = await fetch(`${url}/api/trpc/map.live`, {
    headers: { authorization: `Bearer ${token}` },
  });
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const data = /^data: (\{"json":.*"goneTrips".*\})$/m.exec(text)?.[1];
    if (data === undefined) continue;
    return (JSON.parse(data) as { json: FleetFrame }).json;
  }
  throw new Error(`no frame: ${text}`);
}

const PARTS: readonly [part: string, permission: Permission, given: (token: string) => Promise<unknown>][] = [
  ["a trip's messages", "messages.view", async (token) => (await detail(token)).messages],
  ["a trip's lock", "locks.view", async (token) => (await detail(token)).lock],
  ["where a trip's driver is", "drivers.view", async (token) => (await detail(token)).driverPosition],
  [
    "what gateways say of a trip",
    "payments.view",
    async (token) => (await detail(token)).timeline.find(({ kind }) => kind.startsWith("payment.")) ?? null,
  ],
  [
    "drivers that are searched for",
    "drivers.view",
    async (token) => (await read<{ drivers: object[] }>(token, "search.palette", { q: phone })).drivers[0] ?? null,
  ],
  ["drivers on the live map", "drivers.view", async (token) => (await firstFrame(token)).drivers[0] ?? null],
];

test.each(PARTS)("%s: only with %s", async (_, permission, given) => {
  expect(await given(await holder(["trips.view"]))).toBeNull();
  expect(await given(await holder(["trips.view", permission]))).toBeTruthy();
});

test("with trips.view alone nothing of them is in the whole answer", async () => {
  const token = await holder(["trips.view"]);
  expect(JSON.stringify(await detail(token))).not.toContain(CODE);
  expect((await firstFrame(token)).trips.map(({ id }) => id)).toContain(trip);
});
