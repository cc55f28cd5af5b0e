/**
 * `npm run check:zones -- --zones F.geojson --pickups F.csv [--json]`: imports the zones into a database made for this and
 * dropped after, and compares the zone that the platform gives each pickup with brute force over the polygons. Exit 1 when
 * one differs.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { migrate } from "#prisma/migrate.ts";
import { type Pickup, parsePickups } from "#scripts/replay/pickups.ts";
import { createDatabase } from "#scripts/services/databases.ts";
import { startScratchPostgres } from "#scripts/services/postgres.ts";
import { describeFailure, StartupError } from "#scripts/services/startup-error.ts";
import { type Shape, shapeFaults, verticesOf } from "#server/contracts/zone-shape.ts";
import { whereIsExactly } from "#server/domain/zones/exact-zone.ts";
import { importZones, type ZoneCollection, zoneCollectionSchema } from "#server/domain/zones/zone-import.ts";
import { findZoneAt, readZones } from "#server/domain/zones/zone-store.ts";

const USAGE = "usage: npm run check:zones -- --zones FILE.geojson --pickups FILE.csv [--json]";
const EXAMPLES = 5;

interface Truth {
  /** Zones that may answer, by id; several where the point is on a border or zones overlap. */
  readonly mayBe: readonly string[];
  /** Whether "outside" is right too. */
  readonly mayBeOutside: boolean;
  readonly onBorder: boolean;
}

interface Known {
  readonly id: string;
  readonly shape: Shape;
}

/** All zones have the same priority here: where they overlap, the platform takes the lowest id. */
function truthOf(pickup: Pickup, zones: readonly Known[]): Truth {
  const where = zones.map(({ id, shape }) => ({ id, where: whereIsExactly(pickup, shape) }));
  const inside = where.filter((zone) => zone.where === "inside").map(({ id }) => id);
  const border = where.filter((zone) => zone.where === "border").map(({ id }) => id);
  const [first] = inside.toSorted();
  const before = border.filter((id) => first === undefined || id < first);
  return {
    mayBe: [...(first === undefined ? [] : [first]), ...before],
    mayBeOutside: first === undefined,
    onBorder: border.length > 0,
  };
}

async function check(zones: ZoneCollection, pickups: readonly Pickup[], client: pg.Client) {
  const importStart = performance.now();
  await client.query("BEGIN");
  const count = await importZones(client, zones, { codePrefix: "", currency: "USD" });
  await client.query("COMMIT");
  await client.query("ANALYZE zones, zone_areas");
  const importMs = performance.now() - importStart;

  const stored = await readZones(client);
  const found: (string | null)[] = [];
  const lookupStart = performance.now();
  for (const pickup of pickups) found.push((await findZoneAt(client, pickup))?.id ?? null);
  const lookupMs = performance.now() - lookupStart;

  // From the file and not from what was stored of it; parts of one code belong to one zone.
  const idOf = new Map(stored.map(({ code, id }) => [code, id]));
  const shapes = new Map<string, Shape>();
  for (const [index, { properties, geometry }] of zones.features.entries()) {
    const id = idOf.get(String(properties.code ?? properties.id ?? index + 1)) ?? "";
    const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    const shape = parts.map((part) => part.map((ring) => ring.map(([lng, lat]) => [lng, lat] as const)));
    shapes.set(id, [...(shapes.get(id) ?? []), ...shape]);
  }
  const known = [...shapes].map(([id, shape]): Known => ({ id, shape }));
  const bruteStart = performance.now();
  const truths = pickups.map((pickup) => truthOf(pickup, known));
  const bruteMs = performance.now() - bruteStart;

  const differing = truths.flatMap(({ mayBe, mayBeOutside }, i) => {
    const answer = found[i] ?? null;
    return (answer === null ? mayBeOutside : mayBe.includes(answer)) ? [] : [i];
  });
  const faulty = [...shapes].filter(([, shape]) => shapeFaults(shape).length > 0).length;
  return {
    ...{ zones: count, features: zones.features.length },
    points: known.reduce((sum, { shape }) => sum + verticesOf(shape), 0),
    /** Zones that an operator could not draw so: rings that cross themselves, mostly. */
    faultyZones: faulty,
    pickups: pickups.length,
    inside: found.filter((id) => id !== null).length,
    outside: found.filter((id) => id === null).length,
    onBorder: truths.filter(({ onBorder }) => onBorder).length,
    differing: differing.length,
    examples: differing.slice(0, EXAMPLES).map((i) => ({
      ...{ lat: pickups[i]?.lat, lng: pickups[i]?.lng, found: found[i] ?? null, expected: truths[i]?.mayBe },
    })),
    importMs: Math.round(importMs),
    lookupsPerSecond: Math.round((pickups.length / lookupMs) * 1000),
    bruteForcePerSecond: Math.round((pickups.length / bruteMs) * 1000),
  };
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { zones: { type: "string" }, pickups: { type: "string" }, json: { type: "boolean", default: false } },
    });
    if (values.zones !== undefined && values.pickups !== undefined)
      return { zones: values.zones, pickups: values.pickups, json: values.json };
  } catch {
    // Said below.
  }
  throw new StartupError(USAGE);
}

async function main(): Promise<void> {
  const options = readOptions();
  const zones = zoneCollectionSchema.safeParse(JSON.parse(await readFile(options.zones, "utf8")));
  if (!zones.success)
    throw new StartupError(`${options.zones} is not a FeatureCollection of zones: ${zones.error.issues[0]?.message}`);
  const pickups = parsePickups(await readFile(options.pickups, "utf8"), basename(options.pickups));
  const server = await startScratchPostgres();
  try {
    const databaseUrl = await createDatabase(server.adminUrl, "check_zones");
    await migrate({ databaseUrl, log: () => undefined });
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const report = await check(zones.data, pickups, client);
      if (options.json) console.log(JSON.stringify(report, null, 2));
      else {
        const share = (n: number) => `${((n / report.pickups) * 100).toFixed(2)} %`;
        console.log(`${report.zones} zones of ${report.features} features, ${report.points} points`);
        console.log(`${report.faultyZones} zones have faults that an operator's outline would be refused for`);
        console.log(
          `${report.pickups} pickups: ${report.inside} in a zone, ${report.outside} outside (${share(report.outside)})`,
        );
        console.log(`${report.onBorder} on a border, where either side is right`);
        console.log(`${report.differing} differ from brute force (${share(report.differing)})`);
        for (const example of report.examples) console.log(`  ${JSON.stringify(example)}`);
        console.log(`import ${report.importMs} ms; ${report.lookupsPerSecond} look-ups a second, one after another`);
        console.log(`brute force in memory: ${report.bruteForcePerSecond} a second`);
      }
      if (report.differing > 0) process.exitCode = 1;
    } finally {
      await client.end();
    }
  } finally {
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(describeFailure(error));
  process.exitCode = 2;
});
