import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const actor = { type: "system", id: null } as const;
const kinds = () => t.rows<{ kind: string }>("SELECT kind FROM trip_events ORDER BY at, id");

// One event that the database cannot store was put back and tried again for ever, and kept all others out.
test("an event that cannot be stored costs itself, not the others", async () => {
  const tripId = await t.make.trip();
  t.app.events.record({ tripId, kind: "before", actor, data: {} });
  t.app.events.record({ tripId, kind: "bad", actor, data: { reason: "\ud800" } });
  t.app.events.record({ tripId, kind: "after", actor, data: {} });
  await t.app.events.drain();
  expect((await kinds()).map((row) => row.kind)).toEqual(["before", "after"]);
});

test("an event recorded twice under one id is kept once", async () => {
  const tripId = await t.make.trip();
  const id = await t.value<string>("SELECT gen_random_uuid()");
  for (let i = 0; i < 2; i++) t.app.events.record({ id, tripId, kind: "once", actor, data: {} });
  await t.app.events.drain();
  t.app.events.record({ id, tripId, kind: "once", actor, data: {} });
  await t.app.events.drain();
  expect(await kinds()).toEqual([{ kind: "once" }]);
});
