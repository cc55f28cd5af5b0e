import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { ZoneFinder } from "#server/domain/drivers/zone-finder.ts";
import { findZoneAt } from "#server/domain/zones/zone-store.ts";
import { systemClock } from "#server/platform/clock.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { withSeed } from "#server/testing/seeded.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp();
});
afterEach(() => t.dispose());

async function addZone(
  priority: number,
  active: boolean,
  areas: readonly { readonly part: number; readonly hole: boolean; readonly text: string }[],
) {
  const id = newId();
  await t.rows("INSERT INTO zones (id, code, name, priority, is_active) VALUES ($1, $2, 'Z', $3, $4)", [
    id,
    id,
    priority,
    active,
  ]);
  for (const { part, hole, text } of areas)
    await t.rows("INSERT INTO zone_areas (id, zone_id, part, is_hole, area) VALUES ($1, $2, $3, $4, $5)", [
      newId(),
      id,
      part,
      hole,
      text,
    ]);
}

test("says of any point what the database says: parts, holes, inactive zones, priority", async () => {
  await withSeed(async (random) => {
    /** A star around a centre: no edge crosses another. */
    const star = (lng: number, lat: number, size: number) => {
      const points = Array.from({ length: 12 }, (_, i) => {
        const [angle, far] = [(i / 12) * 2 * Math.PI, size * (0.4 + 0.6 * random.next())];
        return `(${lng + far * Math.cos(angle)},${lat + far * Math.sin(angle)})`;
      });
      return `(${points.join(",")})`;
    };
    for (let n = 0; n < 12; n++) {
      const [lng, lat] = [10 + random.next(), 10 + random.next()];
      const parts = [
        { part: 1, hole: false, text: star(lng, lat, 0.4) },
        { part: 1, hole: true, text: star(lng, lat, 0.15) },
        { part: 2, hole: false, text: star(lng + 0.5, lat, 0.2) },
        // An island in the hole of the first part.
        { part: 3, hole: false, text: star(lng, lat, 0.05) },
      ];
      await addZone(random.below(3), random.below(5) > 0, parts);
    }
    const finder = new ZoneFinder(systemClock);
    await finder.refresh(t.app.db.pool);
    const found = new Set<string | null>();
    for (let n = 0; n < 1500; n++) {
      const at = { lat: 9.5 + random.next() * 2, lng: 9.5 + random.next() * 2.5 };
      const zone = finder.at(at);
      found.add(zone);
      expect(zone, JSON.stringify(at)).toBe((await findZoneAt(t.app.db.pool, at))?.id ?? null);
    }
    expect(found.size).toBeGreaterThan(4);
  });
});
