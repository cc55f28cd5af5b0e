import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { migrate } from "#prisma/migrate.ts";
import { createDatabase, withClient } from "#scripts/services/databases.ts";
import { findFreePort } from "#scripts/services/ports.ts";
import { type RunningPostgres, startPostgres } from "#scripts/services/postgres.ts";
import { type ManagedChild, spawnChild } from "#scripts/services/process-group.ts";
import { checkRedisUrl } from "#scripts/services/redis.ts";
import { findOnPath } from "#scripts/services/system-packages.ts";
import { startTcpProxy, through } from "#server/testing/tcp-proxy.ts";

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set: run by \`npm test\``);
  return value;
}

/** The shared Redis of this test run. Never flush or stop it: take a private one for that. */
export const sharedRedisUrl = (): string => given("TEST_REDIS_URL");

export interface TestDatabase {
  readonly url: string;
  /** Fails when somebody is still connected: a handle was leaked. */
  drop(): Promise<void>;
}

/** A copy of the migrated template, on the server of the test run unless another is given. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const adminUrl = given("TEST_DATABASE_URL");
  const name = `t_${randomBytes(6).toString("hex")}`;
  const url = await createDatabase(adminUrl, name, given("TEST_TEMPLATE_DATABASE"));
  return {
    url,
    async drop() {
      const users = () =>
        withClient(adminUrl, async (client) => {
          const { rows } = await client.query<{ who: string }>(
            // BullMQ names its listening connection unasked, and opens it for that even as it is being closed.
            `SELECT application_name || ': ' || left(query, 80) AS who FROM pg_stat_activity
             WHERE datname = $1 AND query NOT LIKE 'SELECT set_config(''application_name''%'`,
            [name],
          );
          return rows.map((row) => row.who);
        });
      let left = await users();
      // A backend is listed for a moment after its client has gone.
      for (let attempt = 0; left.length > 0 && attempt < 60; attempt++) {
        await delay(50);
        left = await users();
      }
      await withClient(adminUrl, (client) => client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`));
      if (left.length > 0) throw new Error(`leaked database connections: ${left.join("; ")}`);
    },
  };
}

export interface PrivatePostgres {
  /** Stays the same across restarts: it leads through a proxy. */
  readonly url: string;
  /** Immediate shutdown, as in a crash: nobody is told, and the next start recovers from the log. */
  crash(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A migrated PostgreSQL that a test may crash and start again. Durable, so that what was committed is there. */
export async function startPrivatePostgres(): Promise<PrivatePostgres> {
  const dataDir = mkdtempSync(join("/tmp", "smartline-test-postgres-"));
  chmodSync(dataDir, 0o755);
  let server: RunningPostgres = await startPostgres({ dataDir });
  await migrate({ databaseUrl: server.url, log: () => undefined });
  const proxy = await startTcpProxy({ port: server.port });
  return {
    url: through(proxy, server.url),
    async crash() {
      if (server.pid !== undefined) process.kill(server.pid, "SIGQUIT");
      await server.exited;
      proxy.reset();
    },
    async start() {
      server = await startPostgres({ dataDir });
      proxy.setTarget(server.port);
    },
    async stop() {
      await proxy.close();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface PrivateRedis {
  readonly url: string;
  readonly port: number;
  /** SIGKILL; all it held is gone. */
  kill(): Promise<void>;
  /** On the same port, empty. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A Redis that a test may flush, kill and start again at the same address. */
export async function startPrivateRedis(): Promise<PrivateRedis> {
  const binary = findOnPath("redis-server", "valkey-server");
  if (binary === null) throw new Error("no redis-server on the PATH");
  const folder = mkdtempSync(join(tmpdir(), "smartline-test-redis-"));
  const port = await findFreePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ManagedChild | null = null;
  async function start(): Promise<void> {
    const args = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--save", "", "--appendonly", "no"];
    child = spawnChild({ name: "redis", command: binary as string, args, output: "ignore" });
    for (let attempt = 0; ; attempt++) {
      const problem = await checkRedisUrl(url).then(
        () => null,
        (error: Error) => error,
      );
      if (problem === null) return;
      if (attempt > 200) throw problem;
      await delay(25);
    }
  }
  async function kill(): Promise<void> {
    if (child?.pid !== undefined && child.running()) process.kill(child.pid, "SIGKILL");
    await child?.exited;
  }
  await start();
  return {
    url,
    port,
    kill,
    start,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
