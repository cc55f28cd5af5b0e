import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MigrationList, SchemaEngine, SchemaFilter } from "@prisma/schema-engine-wasm";
import pg from "pg";
import { type OpenSchemaEngine, withSchemaEngine } from "#prisma/schema-engine.ts";
import { dataDirFromEnv, readRunning } from "#scripts/services/data-dir.ts";
import { checkDatabaseUrl } from "#scripts/services/databases.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";

/** The repository's migrations. */
export const MIGRATIONS_DIR = join(import.meta.dirname, "migrations");

/** Any number of ours: the session that holds this advisory lock is the one that migrates. Not the engine's 72707369. */
const ADVISORY_LOCK = 7_305_114;
const NO_FILTER: SchemaFilter = { externalTables: [], externalEnums: [] };

/** A migration that PostgreSQL refused, or a history that cannot be continued. The message is one line. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/**
 * Brings a database to the newest migration, and writes Prisma's `_prisma_migrations`, so that `prisma migrate deploy`
 * can go on from there. Each migration runs as one transaction. Several processes may call it at once: they take turns.
 *
 * @returns the names of the migrations that this call applied, oldest first
 * @throws MigrationError naming the file, the line and PostgreSQL's message
 */
export async function migrate(options: {
  databaseUrl: string;
  log: (line: string) => void;
  /** Another folder of migrations, for tests. */
  migrationsDir?: string;
}): Promise<{ applied: string[] }> {
  const { databaseUrl, log, migrationsDir = MIGRATIONS_DIR } = options;
  const migrationsList = readMigrations(migrationsDir);
  return withAdvisoryLock(databaseUrl, () =>
    withSchemaEngine(databaseUrl, async (opened) => {
      await reviewHistory(opened.engine, migrationsList, log);
      const applied = await apply(opened, migrationsList);
      for (const name of applied) log(`applied ${name}`);
      return { applied };
    }),
  );
}

/** The migrations of a folder in the order they apply, as the engine takes them. */
export function readMigrations(migrationsDir: string): MigrationList {
  const lockfile = join(migrationsDir, "migration_lock.toml");
  const names = readdirSync(migrationsDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir: migrationsDir,
    lockfile: {
      path: "migration_lock.toml",
      content: existsSync(lockfile) ? readFileSync(lockfile, "utf8") : null,
    },
    shadowDbInitScript: "",
    migrationDirectories: names.map((name) => {
      const file = join(migrationsDir, name, "migration.sql");
      if (!existsSync(file)) throw new MigrationError(`migration ${name} has no migration.sql`);
      return {
        path: name,
        migrationFile: { path: "migration.sql", content: { tag: "ok", value: readFileSync(file, "utf8") } },
      };
    }),
  };
}

async function withAdvisoryLock<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
    return await work();
  } finally {
    await client.end(); // ends the session, and the lock with it
  }
}

/**
 * A migration that failed or was cut off is open in the history, and the engine would refuse to go on (P3009). It ran as
 * one transaction, so nothing of it is in the database: it is marked as rolled back and will be tried again.
 */
async function reviewHistory(
  engine: SchemaEngine,
  migrationsList: MigrationList,
  log: (line: string) => void,
): Promise<void> {
  const { failedMigrationNames, editedMigrationNames } = await engine.diagnoseMigrationHistory({
    migrationsList,
    optInToShadowDatabase: false,
    filters: NO_FILTER,
  });
  for (const migrationName of failedMigrationNames) await engine.markMigrationRolledBack({ migrationName });
  for (const name of editedMigrationNames) {
    log(`! migration ${name} was edited after it was applied to this database; the edit is not in it`);
  }
}

async function apply({ engine, lastScriptError }: OpenSchemaEngine, migrationsList: MigrationList): Promise<string[]> {
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTER });
    return appliedMigrationNames;
  } catch (error) {
    const cause = lastScriptError();
    if (cause === undefined) throw engineRefusal(error);
    const { failedMigrationNames } = await engine.diagnoseMigrationHistory({
      migrationsList,
      optInToShadowDatabase: false,
      filters: NO_FILTER,
    });
    const name = failedMigrationNames.at(-1) ?? "unknown";
    for (const migrationName of failedMigrationNames) await engine.markMigrationRolledBack({ migrationName });
    throw new MigrationError(describeSqlError(name, migrationsList, cause), { cause });
  }
}

/** The engine's own refusals (no right to create tables, a database with someone else's tables) carry a trace below line 1. */
function engineRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "SchemaConnectorError") return error;
  const [first = ""] = error.message.split("\n");
  return new MigrationError(`the database cannot be migrated: ${first.replace(/^ERROR: /, "")}`, { cause: error });
}

/** `prisma/migrations/<name>/migration.sql:<line>: <PostgreSQL's message>`. */
function describeSqlError(name: string, migrationsList: MigrationList, cause: unknown): string {
  const message = cause instanceof Error ? cause.message.split("\n").join(" ") : String(cause);
  const { code, position, detail } = cause as { code?: string; position?: string; detail?: string };
  const content = migrationsList.migrationDirectories.find(({ path }) => path === name)?.migrationFile.content;
  // PostgreSQL counts characters, from 1.
  const line =
    position && content?.tag === "ok"
      ? `:${[...content.value].slice(0, Number(position) - 1).filter((character) => character === "\n").length + 1}`
      : "";
  const more = [detail, code && `SQLSTATE ${code}`].filter(Boolean).join("; ");
  return `migration ${name}/migration.sql${line}: ${message}${more ? ` (${more})` : ""}`;
}

/** `npm run migrate`: DATABASE_URL, or the database of the `npm start` that is running. */
async function main(): Promise<void> {
  const databaseUrl = process.env.DATABASE_URL || readRunning(dataDirFromEnv())?.databaseUrl;
  if (!databaseUrl) throw new MigrationError("set DATABASE_URL (or run `npm start`, which migrates by itself)");
  await checkDatabaseUrl(databaseUrl);
  const { applied } = await migrate({ databaseUrl, log: console.log });
  console.log(applied.length === 0 ? "nothing to migrate" : `${applied.length} applied`);
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(`✗ ${error instanceof MigrationError ? error.message : describeFailure(error)}`);
    process.exitCode = 1;
  });
  process.exit(); // the engine's left-over timer would keep us for another 10 s
}
