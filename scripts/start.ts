/**
 * `npm start`: the whole product on one machine. Each step prints one line with its duration; the last line begins with
 * `Ready`. Ctrl-C stops what was started in the reverse order. Environment: see start-config.ts.
 */
import { join } from "node:path";
import { MigrationError, migrate } from "#prisma/migrate.ts";
import { lockDataDir, ROOT, readAuthSecret, readEncryptionKeys } from "#scripts/services/data-dir.ts";
import { checkDatabaseUrl, describeDatabaseUrl } from "#scripts/services/databases.ts";
import { generateClient } from "#scripts/services/generate-client.ts";
import { buildConsole } from "#scripts/services/next-build.ts";
import { portProblem } from "#scripts/services/ports.ts";
import { startPostgres } from "#scripts/services/postgres.ts";
import { describeExit, type ManagedChild, onTermination, spawnChild } from "#scripts/services/process-group.ts";
import { seconds, step } from "#scripts/services/progress.ts";
import { checkRedisUrl, startRedis } from "#scripts/services/redis.ts";
import { superviseRedis } from "#scripts/services/redis-supervisor.ts";
import { logTail, spawnServer, waitUntilServerReady } from "#scripts/services/server-process.ts";
import { readStartConfig, type StartConfig } from "#scripts/services/start-config.ts";
import { describeFailure, StartupError } from "#scripts/services/startup-error.ts";

const note = (line: string) => console.log(`  ${line}`);

/** What has been started, in that order, each with the way to end it. */
const started: { name: string; stop: () => Promise<unknown> | unknown }[] = [];
let stopping = false;
let ready = false;

async function stopAll(): Promise<void> {
  stopping = true;
  for (const { name, stop } of started.reverse()) {
    try {
      await stop();
    } catch (error) {
      console.error(`! ${name} did not stop cleanly: ${describeFailure(error)}`);
    }
  }
}

/** Says what went wrong, stops everything and ends the process with 1; silent once we are stopping anyway. */
async function fail(error: unknown): Promise<void> {
  if (stopping) return;
  stopping = true;
  const known = error instanceof StartupError || error instanceof MigrationError;
  console.error(`✗ ${known ? error.message : describeFailure(error)}`);
  await stopAll();
  process.exit(1);
}

/** An essential child that ends by itself takes the product down with it. */
function watch(name: string, exited: ManagedChild["exited"], logFile: string): void {
  void exited.then((exit) => {
    if (ready) void fail(new StartupError(`${name} ended unexpectedly (${describeExit(exit)})${logTail(logFile)}`));
  });
}

async function openDatabase(config: StartConfig): Promise<string> {
  const given = config.databaseUrl;
  if (given) {
    return step("PostgreSQL", async () => {
      const { version } = await checkDatabaseUrl(given);
      return { value: given, done: `PostgreSQL ${version} (given, ${describeDatabaseUrl(given)})` };
    });
  }
  return step("PostgreSQL", async () => {
    const server = await startPostgres({ dataDir: config.dataDir });
    started.push({ name: "PostgreSQL", stop: server.stop });
    watch("PostgreSQL", server.exited, join(config.dataDir, "logs", "postgres.log"));
    return { value: server.url, done: `PostgreSQL ${server.version} (embedded, port ${server.port})` };
  });
}

/** The Redis URL, or null for standalone operation. */
async function openRedis(config: StartConfig): Promise<string | null> {
  const given = config.redisUrl;
  return step("Redis", async () => {
    if (given) {
      await checkRedisUrl(given);
      return { value: given, done: `Redis (given, ${new URL(given).host})` };
    }
    const redis = await startRedis({ dataDir: config.dataDir, log: note });
    if (redis.kind === "unavailable") return { value: null, done: `no Redis, standalone (${redis.reason})` };
    // An end of it takes nothing down: the platform goes on without, and it is started again.
    const supervisor = superviseRedis(redis, { print: (line) => console.error(line), wanted: () => !stopping });
    started.push({ name: "Redis", stop: supervisor.stop });
    return { value: redis.url, done: `Redis (private, port ${redis.port})` };
  });
}

async function prepareDatabase(databaseUrl: string): Promise<void> {
  await step("Prisma client", async () => {
    const { generated } = await generateClient(ROOT);
    return { value: undefined, done: generated ? "Prisma client generated" : "Prisma client up to date" };
  });
  await step("migrations", async () => {
    const { applied } = await migrate({ databaseUrl, log: note });
    const done = applied.length > 0 ? `migrations (${applied.length} applied)` : "migrations up to date";
    return { value: undefined, done };
  });
  await step("seed", async () => {
    // Only now: it imports the client that was generated two steps ago.
    const { seedScenario } = await import("#prisma/seed/seed.ts");
    const { created } = await seedScenario({ databaseUrl, scenario: "demo" });
    return { value: undefined, done: created ? "demo data seeded" : "demo data already there" };
  });
}

async function build(config: StartConfig): Promise<void> {
  if (config.build === "never") return;
  await step("console", async () => {
    const force = config.build === "always";
    const { built } = await buildConsole({ root: ROOT, force, onLine: (line) => line.trim() && note(line) });
    return { value: undefined, done: built ? "console built" : "console up to date" };
  });
}

function serverEnvironment(config: StartConfig, databaseUrl: string, redisUrl: string | null): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    SMARTLINE_DEMO: "1",
    PORT: String(config.port),
    // The demo's password is public: nobody else's machine gets in unless HOST says so.
    HOST: process.env.HOST ?? "127.0.0.1",
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl ?? undefined,
    AUTH_SECRET: config.authSecret ?? readAuthSecret(config.dataDir),
    ENCRYPTION_KEYS: process.env.ENCRYPTION_KEYS || readEncryptionKeys(config.dataDir),
  };
}

function startSimulator(config: StartConfig, env: NodeJS.ProcessEnv, baseUrl: string): void {
  const logFile = join(config.dataDir, "logs", "simulator.log");
  const child = spawnChild({
    name: "simulator",
    command: process.execPath,
    args: [join(ROOT, "scripts", "simulate.ts")],
    cwd: ROOT,
    env: { ...env, BASE_URL: baseUrl },
    output: { file: logFile },
  });
  started.push({ name: "simulator", stop: child.stop });
  // The product is whole without it: say so, and go on.
  void child.exited.then((exit) => {
    if (!stopping) console.error(`! the city simulator ended (${describeExit(exit)})${logTail(logFile)}`);
  });
}

function printSignIns(baseUrl: string, dataDir: string): void {
  console.log(`
  console     ${baseUrl}
  API         ${baseUrl}/api/v1
  operators   admin@smartline.test  dispatcher@smartline.test  finance@smartline.test  viewer@smartline.test
  customers   +20110000001…   drivers   +20100000001…
  password    smartline-demo   (demo accounts: keep this database to yourself)
  logs        ${join(dataDir, "logs")}
`);
}

async function main(): Promise<void> {
  const begun = performance.now();
  const config = readStartConfig(process.env);
  const problem = await portProblem(config.port);
  if (problem === "EADDRINUSE") throw new StartupError(`port ${config.port} is taken; choose another one with PORT`);
  if (problem) throw new StartupError(`port ${config.port} cannot be used (${problem}); choose another one with PORT`);
  const lock = lockDataDir(config.dataDir);
  started.push({ name: "lock", stop: lock.release });

  const databaseUrl = await openDatabase(config);
  const redisUrl = await openRedis(config);
  await prepareDatabase(databaseUrl);
  await build(config);

  const baseUrl = `http://localhost:${config.port}`;
  const env = serverEnvironment(config, databaseUrl, redisUrl);
  await step("server", async () => {
    const server = spawnServer({ root: ROOT, dataDir: config.dataDir, env });
    started.push({ name: "server", stop: server.child.stop });
    watch("the server", server.child.exited, server.logFile);
    await waitUntilServerReady(server, `http://127.0.0.1:${config.port}`);
    return { value: undefined, done: `server (web, gateway, worker; port ${config.port})` };
  });
  const { AUTH_SECRET: authSecret, ENCRYPTION_KEYS: encryptionKeys } = env;
  lock.update({ baseUrl, databaseUrl, redisUrl, authSecret, encryptionKeys });
  if (config.simulate) startSimulator(config, env, baseUrl);
  printSignIns(baseUrl, config.dataDir);
  ready = true;
  console.log(`Ready in ${seconds(performance.now() - begun)}: ${baseUrl} (Ctrl-C stops everything)`);
}

onTermination(async () => {
  if (!stopping) console.log("\nstopping");
  await stopAll();
  return ready ? 0 : 130;
});
process.on("uncaughtException", (error) => void fail(error));
process.on("unhandledRejection", (error) => void fail(error));
await main().catch(fail);
