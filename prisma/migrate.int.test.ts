import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrate } from "#prisma/migrate.ts";
import { createDatabase, dropDatabase, withClient } from "#scripts/services/databases.ts";

const adminUrl = process.env.TEST_DATABASE_URL ?? "";
let name: string;
let databaseUrl: string;
let migrationsDir: string;
let lines: string[];

beforeEach(async () => {
  name = `migrate_${randomBytes(4).toString("hex")}`;
  databaseUrl = await createDatabase(adminUrl, name);
  migrationsDir = mkdtempSync(join(tmpdir(), "migrations-test-"));
  writeFileSync(join(migrationsDir, "migration_lock.toml"), 'provider = "postgresql"\n');
  lines = [];
});
afterEach(async () => {
  await dropDatabase(adminUrl, name);
  rmSync(migrationsDir, { recursive: true });
});

function write(migration: string, sql: string) {
  mkdirSync(join(migrationsDir, migration), { recursive: true });
  writeFileSync(join(migrationsDir, migration, "migration.sql"), sql);
}
const run = () => migrate({ databaseUrl, migrationsDir, log: (line) => lines.push(line) });
const query = (sql: string) => withClient(databaseUrl, async (client) => (await client.query(sql)).rows);

test("each migration is applied once and recorded the way Prisma does", async () => {
  write("20260101000000_one", "CREATE TABLE one (id int);");
  expect(await run()).toEqual({ applied: ["20260101000000_one"] });
  write("20260102000000_two", "CREATE TABLE two (id int);");
  expect(await run()).toEqual({ applied: ["20260102000000_two"] });
  expect(await run()).toEqual({ applied: [] });
  expect(
    await query("SELECT migration_name, finished_at IS NOT NULL AS finished, length(checksum) FROM _prisma_migrations"),
  ).toEqual([
    { migration_name: "20260101000000_one", finished: true, length: 64 },
    { migration_name: "20260102000000_two", finished: true, length: 64 },
  ]);
});

test("processes that migrate at the same moment apply everything once", async () => {
  write("20260101000000_one", "CREATE TABLE one (id int); SELECT pg_sleep(0.2);");
  const results = await Promise.all([run(), run(), run()]);
  expect(results.flatMap(({ applied }) => applied)).toEqual(["20260101000000_one"]);
});

test("function bodies, strings and comments may hold semicolons", async () => {
  write(
    "20260101000000_function",
    `CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN n := n * 2; RETURN n; END; $$;
     -- one; two
     CREATE TABLE said (words text DEFAULT 'a;b');`,
  );
  await run();
  expect(await query("SELECT twice(4) AS n")).toEqual([{ n: 8 }]);
});

test("a migration that fails names file, line and error, leaves nothing, and is tried again once mended", async () => {
  write("20260101000000_bad", "CREATE TABLE one (id int);\n\nCREATE TABLE two (id itn);");
  for (const attempt of ["first", "second"]) {
    await expect(run(), attempt).rejects.toThrow(
      'migration 20260101000000_bad/migration.sql:3: type "itn" does not exist (SQLSTATE 42704)',
    );
    expect(await query("SELECT to_regclass('one') AS found")).toEqual([{ found: null }]);
  }
  write("20260101000000_bad", "CREATE TABLE one (id int);\n\nCREATE TABLE two (id int);");
  expect(await run()).toEqual({ applied: ["20260101000000_bad"] });
});

test("an edit to a migration that has been applied is pointed out", async () => {
  write("20260101000000_one", "CREATE TABLE one (id int);");
  await run();
  write("20260101000000_one", "CREATE TABLE one (id bigint);");
  lines = [];
  expect(await run()).toEqual({ applied: [] });
  expect(lines).toEqual([expect.stringContaining("20260101000000_one was edited after it was applied")]);
});

test("a database that holds someone else's tables is refused in one line", async () => {
  await query("CREATE TABLE theirs (id int)");
  write("20260101000000_one", "CREATE TABLE one (id int);");
  await expect(run()).rejects.toThrow(/^the database cannot be migrated: The database schema is not empty[^\n]*$/);
});
