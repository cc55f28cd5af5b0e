import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { matchingOf, TOWN } from "#server/testing/matching.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const set = async (role: string, settings: object, expectedVersion: number) =>
  call(`${await t.listen()}/api/trpc/matching.setZone`, {
    token: await t.operatorToken(await t.make.operator(role)),
    body: { json: { zoneId: TOWN, settings, expectedVersion, reason: "a test of zones" } },
  });

test("a zone has the defaults until somebody sets its own, within bounds, once for a version", async () => {
  const [before] = (await t.app.matching.view()).zones;
  expect(before).toMatchObject({ own: {}, version: 0, effective: { driversPerBatch: 5, maxRadiusMeters: 5000 } });
  expect((await set("viewer", { driversPerBatch: 3 }, 0)).status).toBe(403);
  const refused = await set("admin", { driversPerBatch: 0, bidding: 2 }, 0);
  expect(refused.status).toBe(400);
  expect(refused.text).toContain("Drivers asked at once: from 1 to 20");
  expect((await set("admin", { startRadiusMeters: 8000 }, 0)).text).toContain("must reach as far");
  expect((await set("admin", { unknown: 1 }, 0)).status).toBe(400);
  const both = await Promise.all([set("admin", { driversPerBatch: 3 }, 0), set("admin", { driversPerBatch: 4 }, 0)]);
  expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  expect((await set("admin", { driversPerBatch: null, offerSeconds: 20 }, 1)).status).toBe(200);
  const [after] = (await t.app.matching.view()).zones;
  expect(after).toMatchObject({
    own: { offerSeconds: 20 },
    version: 2,
    effective: { driversPerBatch: 5, offerSeconds: 20 },
  });
  const [log] = await t.rows("SELECT action, after, before FROM activity_logs ORDER BY id DESC LIMIT 1");
  expect(log).toMatchObject({ action: "zone.matching", after: { offerSeconds: 20 } });
});

test("what a zone sets holds for its trips: how many, how long, how often", async () => {
  const m = matchingOf(t);
  await m.zone({ driversPerBatch: 2, offerSeconds: 40, maxBatches: 1, searchSeconds: 600 });
  await m.driversAt(5, 300);
  const trip = await m.book();
  await t.drain();
  expect(await m.asked(trip)).toHaveLength(2);
  const [row] = await t.rows(
    `SELECT round(EXTRACT(EPOCH FROM o.expires_at - o.offered_at))::int AS offer,
       round(EXTRACT(EPOCH FROM t.search_ends_at - t.created_at))::int AS search
     FROM trip_offers o JOIN trip_requests t ON t.id = o.trip_request_id LIMIT 1`,
  );
  expect(row).toEqual({ offer: 40, search: 600 });
  await m.nextBatch(trip);
  expect(await t.value("SELECT current_status FROM trip_requests WHERE id = $1", [trip])).toBe("expired");
});
