import { afterEach, beforeEach, expect, test } from "vitest";
import type { LiveDriver } from "#server/contracts/console.ts";
import type { FleetFrame } from "#server/contracts/fleet.ts";
import { topics } from "#server/contracts/realtime.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

test("news of a trip shows its driver anew, and the driver it was taken from", async () => {
  const [driver, trip] = [await t.make.driver(), await t.make.trip()];
  await t.make.place([driver]);
  const stop = new AbortController();
  const frames = t.app.liveMap.watch({ zoom: 0 }, stop.signal);
  const next = async (): Promise<FleetFrame> => (await frames.next()).value as FleetFrame;
  const stateIn = async (wanted: LiveDriver["state"]) => {
    // Well within the 15 s after which everything is read again.
    for (let n = 0; n < 5; n++) {
      const found = (await next()).drivers.find(({ id }) => id === driver);
      if (found?.state === wanted) return found.tripId;
    }
    throw new Error(`never ${wanted}`);
  };
  expect(await stateIn("available")).toBeNull();
  const changed = () => t.app.bus.publish(topics.trips, "changed", { ids: [trip] });
  await t.accept(trip, driver);
  changed();
  expect(await stateIn("on_trip")).toBe(trip);
  await t.app.trips.release({ type: "operator", id: driver }, trip, "a test", null);
  changed();
  expect(await stateIn("available")).toBeNull();
  stop.abort();
  await frames.return(undefined);
});
