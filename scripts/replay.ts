/**
 * `npm run replay -- --zones FILE.geojson --pickups FILE.csv`: real pickups as trip requests on the running platform,
 * with drivers of its own. Exit 1 when an invariant is violated or the service area is not what the polygons say.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import pg from "pg";
import { seededRandom } from "#prisma/seed/places.ts";
import { printInvariants, readInvariants } from "#scripts/replay/invariants.ts";
import { codePrefixOf, parseOptions, type ReplayOptions, USAGE } from "#scripts/replay/options.ts";
import { type Pickup, parsePickups } from "#scripts/replay/pickups.ts";
import { type ReplayReport, reportLines, timesOf } from "#scripts/replay/report.ts";
import { runReplay } from "#scripts/replay/run.ts";
import { inServiceArea } from "#scripts/replay/service-area.ts";
import { findTarget } from "#scripts/services/running.ts";
import { describeFailure, StartupError } from "#scripts/services/startup-error.ts";
import { importZones, type ZoneCollection, zoneCollectionSchema } from "#server/domain/zones/zone-import.ts";

/** The same drivers and destinations each time. */
const SEED = 2014;
/** Points shown where the platform and the polygons disagree. */
const EXAMPLES = 5;

async function readZones(file: string): Promise<ZoneCollection> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new StartupError(`${file} cannot be read as GeoJSON: ${(cause as Error).message}`);
  }
  const parsed = zoneCollectionSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new StartupError(`${file} is not a FeatureCollection of zones: ${issue?.path.join(".")}: ${issue?.message}`);
}

async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const say = (line: string) => (options.json ? console.error(line) : console.log(line));
  const target = findTarget();
  const zones = await readZones(options.zonesFile);
  const pickupText = await readFile(options.pickupsFile, "utf8");
  const pickups = parsePickups(pickupText, basename(options.pickupsFile)).slice(0, options.limit);
  const truth = pickups.map((pickup) => inServiceArea(pickup, zones));
  const inside = pickups.filter((_, index) => truth[index]);
  if (inside.length === 0)
    throw new StartupError("none of the pickups lies inside the zones: do the files belong together?");
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
    say("  stopping: trips that are open are cancelled, drivers go off line");
  });

  const client = new pg.Client({ connectionString: target.databaseUrl });
  await client.connect();
  try {
    await client.query("BEGIN");
    await importZones(client, zones, { codePrefix: codePrefixOf(options.zonesFile), currency: "USD" });
    await client.query("COMMIT");
    say(`✓ ${zones.features.length} zones of ${basename(options.zonesFile)}, ${pickups.length} pickups`);
    const random = seededRandom(SEED);
    const { drivers, speed } = options;
    const run = await runReplay({
      client,
      target,
      zones,
      pickups,
      inside,
      drivers,
      speed,
      random,
      say,
      stopped: () => stopped,
    });
    const invariants = await readInvariants(target);
    // Pickups that were not answered (stopped, failed) say nothing about the area.
    const judged = run.outcomes.flatMap((outcome, index) =>
      outcome === undefined || outcome.kind === "failed" ? [] : [{ outside: outcome.kind === "outside", index }],
    );
    const mismatching = judged.filter(({ outside, index }) => outside === truth[index]);
    const mismatches = mismatching.length;
    const answered = run.outcomes.filter((outcome) => outcome !== undefined).length;
    return {
      zones: zones.features.length,
      drivers,
      riders: run.riders,
      speed: speed === Number.POSITIVE_INFINITY ? null : speed,
      tookMs: Math.round(run.tookMs),
      requestsPerSecond: answered / (run.requestingMs / 1000),
      requests: answered,
      booked: run.watch.total,
      assigned: run.timings.toAssignment.length,
      completed: run.watch.ended("completed"),
      expired: run.watch.ended("expired"),
      expiredNobodyNear: run.timings.expiredNobodyNear,
      expiredUnsearched: run.timings.expiredUnsearched,
      cancelled: run.watch.ended("cancelled"),
      overdue: run.overdue,
      failed: run.outcomes.filter((outcome) => outcome?.kind === "failed").length,
      outside: {
        refused: judged.filter(({ outside }) => outside).length,
        expected: judged.filter(({ index }) => truth[index] === false).length,
        mismatches,
        examples: mismatching.slice(0, EXAMPLES).map(({ outside, index }) => {
          const { lat, lng } = pickups[index] as Pickup;
          return { lat, lng, refused: outside };
        }),
      },
      moreThanOneBatch: run.timings.moreThanOneBatch,
      times: timesOf(run.ledger, run.timings),
      errors: run.ledger.errors,
      invariants,
      ok: invariants.ok && mismatches === 0,
    };
  } finally {
    await client.end();
  }
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const report = await replay(options);
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else for (const line of [...reportLines(report), ...printInvariants(report.invariants)]) console.log(line);
  if (!report.ok) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(describeFailure(error));
  process.exitCode = 1;
});
