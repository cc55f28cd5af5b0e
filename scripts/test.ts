/**
 * `npm test`: checks, unit and integration tests, browser journeys, on services of its own. Ends with a line alone,
 * `N passed, N failed, N skipped`, summed from the runners' reports in `.test-report/`; exits 1 on any failure.
 * `--only=checks,unit,integration,e2e` and `--filter=<path>` run a part.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "#prisma/migrate.ts";
import { findChromium } from "#scripts/services/chromium.ts";
import { ROOT } from "#scripts/services/data-dir.ts";
import { checkDatabaseUrl, createDatabase, dropDatabase } from "#scripts/services/databases.ts";
import { generateClient } from "#scripts/services/generate-client.ts";
import { startScratchPostgres } from "#scripts/services/postgres.ts";
import { onTermination, spawnChild } from "#scripts/services/process-group.ts";
import { seconds, step } from "#scripts/services/progress.ts";
import { checkRedisUrl, startRedis } from "#scripts/services/redis.ts";
import { describeFailure, StartupError } from "#scripts/services/startup-error.ts";
import { readTestPlan, type TestPlan } from "#scripts/services/test-plan.ts";
import {
  closingLine,
  EMPTY_TALLY,
  readPlaywrightReport,
  readVitestReport,
  runnerFailed,
  sumTallies,
  type Tally,
} from "#scripts/services/test-reports.ts";

const REPORTS = join(ROOT, ".test-report");
const cleanups: (() => Promise<unknown> | unknown)[] = [];
const note = (line: string) => console.log(`  ${line}`);

async function cleanUp(): Promise<void> {
  for (const undo of cleanups.splice(0).reverse()) {
    try {
      await undo();
    } catch (error) {
      console.error(`! clean-up: ${describeFailure(error)}`);
    }
  }
}

/** A server to test on and a migrated template in it; tests copy the template. */
async function openDatabase(): Promise<NodeJS.Dict<string>> {
  const given = process.env.TEST_DATABASE_URL || process.env.DATABASE_URL;
  const adminUrl = await step("PostgreSQL", async () => {
    if (given) {
      const { version } = await checkDatabaseUrl(given);
      return { value: given, done: `PostgreSQL ${version} (given)` };
    }
    const server = await startScratchPostgres();
    cleanups.push(server.stop);
    return { value: server.adminUrl, done: `PostgreSQL ${server.version} (embedded, port ${server.port})` };
  });
  const template = `smartline_template_${process.pid}`;
  await step("template database", async () => {
    const databaseUrl = await createDatabase(adminUrl, template);
    cleanups.push(() => dropDatabase(adminUrl, template));
    await migrate({ databaseUrl, log: note });
    return { value: undefined };
  });
  return { TEST_DATABASE_URL: adminUrl, TEST_TEMPLATE_DATABASE: template };
}

async function openRedis(): Promise<NodeJS.Dict<string>> {
  const given = process.env.TEST_REDIS_URL || process.env.REDIS_URL;
  return step("Redis", async () => {
    if (given) {
      await checkRedisUrl(given);
      return { value: { TEST_REDIS_URL: given }, done: "Redis (given)" };
    }
    const dataDir = mkdtempSync(join(tmpdir(), "smartline-redis-"));
    cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const redis = await startRedis({ dataDir, log: note });
    if (redis.kind === "unavailable") {
      throw new StartupError(
        `the tests need Redis and there is none: ${redis.reason}; install redis-server or set REDIS_URL`,
      );
    }
    cleanups.push(redis.stop);
    return { value: { TEST_REDIS_URL: redis.url }, done: `Redis (private, port ${redis.port})` };
  });
}

/** Runs a command with its output on ours. */
async function run(title: string, command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  console.log(`\n── ${title}`);
  const began = performance.now();
  const child = spawnChild({ name: title, command, args, cwd: ROOT, env, output: "inherit", stopTimeoutMs: 60_000 });
  cleanups.push(child.stop);
  const { code } = await child.exited;
  console.log(`── ${title}: ${code === 0 ? "passed" : "FAILED"} in ${seconds(performance.now() - began)}`);
  return code;
}

/** Each command of package.json's `check`, all of them even when one fails, and the drift check: one test each. */
async function runChecks(env: NodeJS.ProcessEnv): Promise<Tally> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: { check: string } };
  const commands = [...scripts.check.split("&&").map((command) => command.trim()), "node prisma/check-drift.ts"];
  const tallies: Tally[] = [];
  for (const command of commands) {
    const code = await run(command, "/bin/sh", ["-c", command], env);
    tallies.push(code === 0 ? { ...EMPTY_TALLY, passed: 1 } : runnerFailed(`check: ${command}`));
  }
  return sumTallies(tallies);
}

async function runVitest(plan: TestPlan, env: NodeJS.ProcessEnv): Promise<Tally> {
  const report = join(REPORTS, "vitest.json");
  const projects = (["unit", "integration"] as const).filter((stage) => plan.stages.has(stage));
  const args = [
    join(ROOT, "node_modules", "vitest", "vitest.mjs"),
    "run",
    ...projects.map((name) => `--project=${name}`),
  ];
  args.push(
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...(plan.filter ? [plan.filter] : []),
  );
  const code = await run(`${projects.join(" and ")} tests`, process.execPath, args, env);
  return readVitestReport(report, code);
}

async function runJourneys(plan: TestPlan, env: NodeJS.ProcessEnv): Promise<Tally> {
  const chromium = await findChromium(note);
  if (chromium.kind === "unavailable") return runnerFailed(`the browser journeys need Chromium: ${chromium.reason}`);
  const report = join(REPORTS, "playwright.json");
  const args = [
    join(ROOT, "node_modules", "@playwright", "test", "cli.js"),
    "test",
    ...(plan.filter ? [plan.filter] : []),
  ];
  const code = await run("browser journeys", process.execPath, args, {
    ...env,
    CHROMIUM_PATH: chromium.path,
    PLAYWRIGHT_JSON_OUTPUT_NAME: report,
  });
  return readPlaywrightReport(report, code);
}

async function runAll(plan: TestPlan): Promise<Tally> {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  const { stages } = plan;
  // Where the tests run is for them to be told by the TEST_ names alone: none may touch a database that was given to us.
  const env: NodeJS.ProcessEnv = { ...process.env, DATABASE_URL: undefined, REDIS_URL: undefined, NODE_ENV: "test" };

  await generateClient(ROOT);
  if (stages.has("checks") || stages.has("integration") || stages.has("e2e")) Object.assign(env, await openDatabase());
  if (stages.has("integration") || stages.has("e2e")) Object.assign(env, await openRedis());

  const tallies: Tally[] = [];
  if (stages.has("checks")) tallies.push(await runChecks(env));
  if (stages.has("unit") || stages.has("integration")) tallies.push(await runVitest(plan, env));
  if (stages.has("e2e")) tallies.push(await runJourneys(plan, env));
  return sumTallies(tallies);
}

onTermination(async () => {
  await cleanUp();
  return 130;
});
let total: Tally;
try {
  total = await runAll(readTestPlan(process.argv.slice(2)));
} catch (error) {
  total = runnerFailed(describeFailure(error));
}
await cleanUp();
if (total.failures.length > 0) console.error(`\n${total.failures.map((line) => `✗ ${line}`).join("\n")}`);
console.log(`\n${closingLine(total)}`);
process.exit(total.failed > 0 ? 1 : 0);
