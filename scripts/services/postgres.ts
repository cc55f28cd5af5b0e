import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createDatabase, databaseExists, withDatabase } from "#scripts/services/databases.ts";
import { lastLines } from "#scripts/services/log-tail.ts";
import { findFreePort } from "#scripts/services/ports.ts";
import {
  canEnter,
  findPostgresBinaries,
  postgresUser,
  SYSTEM_DIR,
  type SystemUser,
} from "#scripts/services/postgres-binaries.ts";
import { describeExit, type ManagedChild, spawnChild } from "#scripts/services/process-group.ts";
import { processStatus } from "#scripts/services/process-status.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
/** The line of postmaster.pid that holds the server's state (`starting`, `ready`, …), counted from 0. */
const PID_FILE_STATUS_LINE = 7;

/** A running embedded PostgreSQL. */
export interface RunningPostgres {
  /** URL of the database `smartline` as its superuser. */
  url: string;
  /** URL of the maintenance database `postgres`: to create and drop databases. */
  adminUrl: string;
  port: number;
  pid: number | undefined;
  /** `18.4` and the like. */
  version: string;
  /** Settles when the server ends by itself or is stopped. */
  exited: ManagedChild["exited"];
  /** Fast shutdown (clients are disconnected, data is flushed); immediate after 15 s. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on 127.0.0.1 with the cluster in `<dataDir>/postgres`, made on first use. The port is a new free one
 * at each start. As root it runs as the user `postgres`.
 *
 * @param durable false switches fsync off: faster, and worthless after a crash; for tests only
 * @throws StartupError when it cannot be initialised or started, with the server's own words
 */
export async function startPostgres(options: { dataDir: string; durable?: boolean }): Promise<RunningPostgres> {
  const { durable = true } = options;
  const dataDir = resolve(options.dataDir);
  const user = postgresUser();
  const { initdb, postgres, version } = await findPostgresBinaries(user);
  mkdirSync(dataDir, { recursive: true });
  const cluster = clusterFolder(dataDir, user);
  const password = readPassword(dataDir);
  if (!existsSync(join(cluster, "PG_VERSION"))) initialise({ initdb, cluster, user, password, durable });
  checkVersion(cluster, version);
  await clearStaleServer(cluster);

  const logFile = join(dataDir, "logs", "postgres.log");
  const port = await findFreePort();
  const child = spawnChild({
    name: "postgres",
    command: postgres,
    args: ["-D", cluster, "-p", String(port), ...settings(durable)],
    env: serverEnvironment(),
    cwd: "/",
    ...(user ? { user } : {}),
    output: { file: logFile },
    stopSignal: "SIGINT", // fast shutdown; SIGTERM would wait for every client to leave
    stopTimeoutMs: STOP_TIMEOUT_MS,
    killSignal: "SIGQUIT", // immediate shutdown, recovers from the log at the next start
  });
  try {
    await waitUntilReady(child, cluster, logFile);
    const adminUrl = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
    if (!(await databaseExists(adminUrl, "smartline"))) await createDatabase(adminUrl, "smartline");
    return {
      url: withDatabase(adminUrl, "smartline"),
      adminUrl,
      port,
      pid: child.pid,
      version: version.replace(/(\.\d+)?(-.*)?$/, ""),
      exited: child.exited,
      stop: async () => {
        await child.stop();
      },
    };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/**
 * A throw-away PostgreSQL in a temporary folder that the postgres user can enter and that is removed on stop. For tests
 * and checks; without durability unless asked for (a bench of commits wants it).
 */
export async function startScratchPostgres(options: { durable?: boolean } = {}): Promise<RunningPostgres> {
  const user = postgresUser();
  // TMPDIR may point into someone's private folder.
  const parent = canEnter(tmpdir(), user) ? tmpdir() : "/tmp";
  const dataDir = mkdtempSync(join(parent, "smartline-postgres-"));
  chmodSync(dataDir, 0o755);
  try {
    const server = await startPostgres({ dataDir, durable: options.durable ?? false });
    return {
      ...server,
      stop: async () => {
        await server.stop();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
}

/** Tuned for one machine that also runs the platform; everything else is PostgreSQL's default. */
function settings(durable: boolean): string[] {
  const values: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "256MB",
    timezone: "UTC",
    log_timezone: "UTC",
    fsync: durable ? "on" : "off",
    ...(durable ? {} : { synchronous_commit: "off", full_page_writes: "off" }),
    ...(sharedMemoryIsSmall() ? { dynamic_shared_memory_type: "mmap" } : {}),
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Containers often have 64 MB of /dev/shm, which a parallel query can outgrow ("could not resize shared memory segment"). */
function sharedMemoryIsSmall(): boolean {
  try {
    const { bsize, bavail } = statfsSync("/dev/shm");
    return bsize * bavail < 256 * 1024 * 1024;
  } catch {
    return process.platform === "linux";
  }
}

/** Without the PG* variables of whoever starts us, and with messages that we can read. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  for (const name of Object.keys(env)) if (/^PG[A-Z]/.test(name)) delete env[name];
  return env;
}

/**
 * `<dataDir>/postgres`; when the postgres user cannot enter dataDir (a checkout under /root), a symbolic link to a folder
 * that it can.
 */
function clusterFolder(dataDir: string, user: SystemUser | undefined): string {
  const wanted = join(dataDir, "postgres");
  if (existsSync(wanted)) {
    const actual = realpathSync(wanted);
    if (canEnter(actual, user)) return actual;
    throw new StartupError(
      `the user postgres cannot enter ${actual}; make the folders above it enterable (chmod o+x) or set DATA_DIR`,
    );
  }
  rmSync(wanted, { force: true }); // a link whose target is gone
  if (canEnter(dataDir, user)) {
    makeFolder(wanted, user);
    return realpathSync(wanted);
  }
  mkdirSync(SYSTEM_DIR, { recursive: true, mode: 0o755 });
  const elsewhere = join(SYSTEM_DIR, `cluster-${randomBytes(6).toString("hex")}`);
  makeFolder(elsewhere, user);
  symlinkSync(elsewhere, wanted);
  console.log(`  the user postgres cannot enter ${dataDir}: its data is in ${elsewhere}`);
  return elsewhere;
}

function makeFolder(folder: string, user: SystemUser | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user) chownSync(folder, user.uid, user.gid);
}

/** The superuser's password: made once, readable by the owner of the data folder only. */
function readPassword(dataDir: string): string {
  const file = join(dataDir, "postgres-password");
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return readFileSync(file, "utf8").trim();
}

function initialise(options: {
  initdb: string;
  cluster: string;
  user: SystemUser | undefined;
  password: string;
  durable: boolean;
}): void {
  const { initdb, cluster, user, password, durable } = options;
  const args = ["--pgdata", cluster, "--username", "postgres", "--pwfile", "/dev/stdin", "--auth", "scram-sha-256"];
  // One collation everywhere, whatever locales the machine has.
  args.push("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8");
  if (!durable) args.push("--no-sync");
  // The password goes through a pipe of the shell's: it is never in a file or an argument that others could read, and
  // Node's own stdin for a child is a socket, which cannot be opened as /dev/stdin.
  const result = spawnSync("/bin/sh", ["-c", 'printf "%s\\n" "$NEW_PASSWORD" | "$0" "$@"', initdb, ...args], {
    ...user,
    cwd: "/",
    env: { ...serverEnvironment(), NEW_PASSWORD: password },
    encoding: "utf8",
  });
  if (result.status === 0) return;
  const reason =
    result.error?.message ?? result.stderr.split("\n").findLast((line) => /error|fatal|could not/i.test(line));
  throw new StartupError(
    `PostgreSQL could not be initialised in ${cluster}: ${reason ?? `exit code ${result.status}`}`,
  );
}

function checkVersion(cluster: string, version: string): void {
  const major = readFileSync(join(cluster, "PG_VERSION"), "utf8").trim();
  if (major === version.split(".")[0]) return;
  throw new StartupError(
    `the data in ${cluster} is of PostgreSQL ${major}, the embedded one is ${version}; dump and restore it, or use another DATA_DIR`,
  );
}

/**
 * Makes way for a new server: one of this cluster that outlived its parent is stopped; a pid file whose number now belongs
 * to another program is removed. A file whose process is gone stays: PostgreSQL recognises it, and looks besides for
 * orphaned backends, which we would not.
 */
async function clearStaleServer(cluster: string): Promise<void> {
  const file = join(cluster, "postmaster.pid");
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : 0;
  if (!pid || !processStatus(pid).alive) return;
  if (!servesCluster(pid, cluster)) {
    rmSync(file, { force: true });
    return;
  }
  for (const [signal, waitMs] of [
    ["SIGINT", STOP_TIMEOUT_MS],
    ["SIGQUIT", 5_000],
  ] as const) {
    process.kill(pid, signal);
    const deadline = Date.now() + waitMs;
    while (processStatus(pid).alive && Date.now() < deadline) await delay(50);
    if (!processStatus(pid).alive) return;
  }
  throw new StartupError(`an earlier PostgreSQL (pid ${pid}) still uses ${cluster} and does not stop`);
}

/** Whether the process is a PostgreSQL on this cluster: the server's working directory is its data folder. */
function servesCluster(pid: number, cluster: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === cluster;
  } catch {
    const { stdout } = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return stdout?.includes(`-D ${cluster} `) ?? false;
  }
}

async function waitUntilReady(child: ManagedChild, cluster: string, logFile: string): Promise<void> {
  const file = join(cluster, "postmaster.pid");
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (!child.running()) {
      const words = lastLines(logFile, 20).filter((line) => /FATAL|PANIC|ERROR/.test(line));
      const reason = words.join(" ") || describeExit(await child.exited);
      throw new StartupError(`PostgreSQL did not start: ${reason} (log: ${logFile})`);
    }
    if (existsSync(file)) {
      const lines = readFileSync(file, "utf8").split("\n");
      if (Number(lines[0]) === child.pid && lines[PID_FILE_STATUS_LINE]?.trim() === "ready") return;
    }
    await delay(20);
  }
  throw new StartupError(`PostgreSQL was not ready within ${START_TIMEOUT_MS / 1000} s (log: ${logFile})`);
}
