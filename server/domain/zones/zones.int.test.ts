import { afterEach, beforeEach, expect, test } from "vitest";
import { importZones, type ZoneCollection, zoneCollectionSchema } from "#server/domain/zones/zone-import.ts";
import { findZoneAt } from "#server/domain/zones/zone-store.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

type Box = readonly [west: number, south: number, east: number, north: number];
const ring = ([w, s, e, n]: Box): [number, number][] => [
  [w, s],
  [e, s],
  [e, n],
  [w, n],
  [w, s],
];
const zone = (code: string, ...polygons: Box[][]): ZoneCollection["features"][number] => ({
  properties: { name: `Zone ${code}`, code },
  geometry: { type: "MultiPolygon", coordinates: polygons.map((rings) => rings.map(ring)) },
});
const load = (...features: ZoneCollection["features"]) =>
  t.app.db.transaction((tx) =>
    importZones(tx, { type: "FeatureCollection", features }, { codePrefix: "", currency: "EGP" }),
  );
const zoneAt = async (lat: number, lng: number) => (await findZoneAt(t.app.db.pool, { lat, lng }))?.name ?? null;

test("a part that lies in another part's hole belongs to the zone: a hole is its own part's alone", async () => {
  await load(
    zone(
      "A",
      [
        [10, 10, 11, 11],
        [10.3, 10.3, 10.7, 10.7],
      ],
      [[10.4, 10.4, 10.6, 10.6]],
    ),
  );
  expect([await zoneAt(10.2, 10.2), await zoneAt(10.35, 10.35), await zoneAt(10.5, 10.5)]).toEqual([
    "Zone A",
    null,
    "Zone A",
  ]);
});

test("a zone is its parts less their holes", async () => {
  await load(
    zone(
      "A",
      [
        [10, 10, 11, 11],
        [10.4, 10.4, 10.6, 10.6],
      ],
      [[12, 10, 13, 11]],
    ),
  );
  expect(await zoneAt(10.2, 10.2)).toBe("Zone A");
  expect(await zoneAt(10.5, 10.5)).toBeNull();
  expect(await zoneAt(10.5, 12.5)).toBe("Zone A");
  expect(await zoneAt(10.5, 11.5)).toBeNull();
});

// PostgreSQL takes a cross product below 1e-6 for zero: in degrees, a point 5 m off this edge stood "on" it.
test("a point a few metres outside a short edge is outside", async () => {
  const corners: [number, number][] = [
    [10, 10],
    [10.002, 10.0001],
    [10.0022, 10.0003],
    [10.02, 10.03],
    [10, 10.01],
    [10, 10],
  ];
  await load({ properties: { name: "Zone A", code: "A" }, geometry: { type: "Polygon", coordinates: [corners] } });
  expect(await zoneAt(10.00015, 10.0019)).toBe("Zone A");
  expect(await zoneAt(10.00005, 10.0019)).toBeNull();
});

// New York's file spreads zones over several features of one id; the later ones once replaced the earlier.
test("features of one code are parts of one zone; loading again replaces them all", async () => {
  expect(await load(zone("A", [[10, 10, 11, 11]]), zone("B", [[20, 10, 21, 11]]), zone("A", [[12, 10, 13, 11]]))).toBe(
    2,
  );
  expect(await zoneAt(10.5, 10.5)).toBe("Zone A");
  expect(await zoneAt(10.5, 12.5)).toBe("Zone A");
  await load(zone("A", [[30, 10, 31, 11]]));
  expect(await zoneAt(10.5, 10.5)).toBeNull();
  expect(await zoneAt(10.5, 30.5)).toBe("Zone A");
});

test("where zones overlap the one of higher priority counts; a switched-off zone serves nobody", async () => {
  await load(zone("A", [[10, 10, 12, 12]]), zone("B", [[11, 11, 13, 13]]));
  await t.rows("UPDATE zones SET priority = 5 WHERE code = 'B'");
  expect(await zoneAt(11.5, 11.5)).toBe("Zone B");
  await t.rows("UPDATE zones SET is_active = false WHERE code = 'B'");
  expect(await zoneAt(11.5, 11.5)).toBe("Zone A");
  expect(await zoneAt(12.5, 12.5)).toBeNull();
});

test("a file that is no zones is refused, saying where", () => {
  const broken = {
    type: "FeatureCollection",
    features: [{ properties: {}, geometry: { type: "Point", coordinates: [1, 2] } }],
  };
  const result = zoneCollectionSchema.safeParse(broken);
  expect(result.error?.issues.map((issue) => issue.path.join("."))).toEqual([
    "features.0.properties.name",
    "features.0.geometry.type",
  ]);
});
