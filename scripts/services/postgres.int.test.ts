import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withClient } from "#scripts/services/databases.ts";
import { type RunningPostgres, startPostgres } from "#scripts/services/postgres.ts";

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync("/tmp/postgres-test-"); // where the postgres user can go, whatever TMPDIR says
  chmodSync(dataDir, 0o755);
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const query = (server: RunningPostgres, sql: string) =>
  withClient(server.url, async (client) => (await client.query(sql)).rows);

test("the cluster outlives a crash of the server and a pid file that names another program", async () => {
  const first = await startPostgres({ dataDir });
  expect(
    await query(first, "SELECT current_setting('fsync') AS fsync, current_setting('listen_addresses') AS on"),
  ).toEqual([{ fsync: "on", on: "127.0.0.1" }]);
  await query(first, "CREATE TABLE kept AS SELECT 42 AS answer");
  process.kill(first.pid ?? 0, "SIGKILL");
  await first.exited;

  const second = await startPostgres({ dataDir });
  expect(await query(second, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await second.stop();

  writeFileSync(join(dataDir, "postgres", "postmaster.pid"), `${process.pid}\n${join(dataDir, "postgres")}\n`);
  const third = await startPostgres({ dataDir });
  expect(await query(third, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await third.stop();
});

test("a server that is still there from before makes way", async () => {
  const left = await startPostgres({ dataDir, durable: false });
  const next = await startPostgres({ dataDir, durable: false });
  await left.exited;
  expect(await query(next, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await next.stop();
});
