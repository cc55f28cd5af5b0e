import { readFileSync } from "node:fs";
import pg from "pg";
import { type CatalogEntry, type CatalogKind, readCatalog } from "#prisma/catalog.ts";
import { migrate } from "#prisma/migrate.ts";
import { withSchemaEngine } from "#prisma/schema-engine.ts";

/** Kinds that a migration may add though schema.prisma does not say so, each because it cannot. */
const SQL_ONLY_KINDS: Partial<Record<CatalogKind, string>> = {
  check: "the schema language has no check constraints",
  exclusion: "the schema language has no exclusion constraints",
  "partial index": "the schema language has no WHERE for an index",
  "expression index": "the schema language indexes columns only",
  trigger: "the schema language has no triggers",
  function: "the schema language has no functions",
  partition: "a model stands for the partitioned table; its partitions come and go with time",
};

/** Parts of an index's definition that a migration may add, each because the schema language cannot say it. */
const SQL_ONLY_INDEX_OPTIONS: [RegExp, string][] = [
  [/ INCLUDE \([^)]*\)/, "the schema language has no covering columns"],
  [/ NULLS NOT DISTINCT/, "the schema language has no NULLS NOT DISTINCT"],
  [/(?<= ON) ONLY/, "the index of a partitioned table is its partitions' together; a model knows of none"],
];

/** Single things that live in SQL alone, each with the reason, as `kind name`. */
const SQL_ONLY: Record<string, string> = {};

/**
 * Compares what the migrations build with what schema.prisma says, each in an empty database of its own: `migratedUrl`
 * gets the migrations, `modelledUrl` the SQL that Prisma's engine makes from the schema. Then both catalogs are read, so
 * that every column, default, key and index counts, and not only what Prisma's own diff looks at.
 *
 * @returns one line for each difference; none when the two agree
 */
export async function findDrift(options: {
  migratedUrl: string;
  modelledUrl: string;
  schemaFile: string;
  migrationsDir?: string;
}): Promise<string[]> {
  const { migratedUrl, modelledUrl, schemaFile, migrationsDir } = options;
  await migrate({ databaseUrl: migratedUrl, log: () => undefined, ...(migrationsDir ? { migrationsDir } : {}) });
  await buildFromSchema(modelledUrl, schemaFile);
  return compareCatalogs(await readCatalog(migratedUrl), await readCatalog(modelledUrl));
}

async function buildFromSchema(databaseUrl: string, schemaFile: string): Promise<void> {
  const content = readFileSync(schemaFile, "utf8");
  const { stdout } = await withSchemaEngine(databaseUrl, ({ engine }) =>
    engine.diff({
      from: { tag: "empty" },
      to: { tag: "schemaDatamodel", files: [{ path: schemaFile, content }] },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    }),
  );
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(stdout ?? "");
  } finally {
    await client.end();
  }
}

/** The definition without what schema.prisma has no words for. */
function expressible({ kind, definition }: CatalogEntry): string {
  if (kind !== "index") return definition;
  return SQL_ONLY_INDEX_OPTIONS.reduce((rest, [option]) => rest.replace(option, ""), definition);
}

/** One line for each thing that only one side has or that the two define differently. */
function compareCatalogs(migrated: CatalogEntry[], modelled: CatalogEntry[]): string[] {
  const key = (entry: CatalogEntry) => `${entry.kind} ${entry.name}`;
  const inSchema = new Map(modelled.map((entry) => [key(entry), entry]));
  const inMigrations = new Map(migrated.map((entry) => [key(entry), entry]));
  const differences: string[] = [];
  for (const [name, entry] of inMigrations) {
    const other = inSchema.get(name);
    if (!other) {
      if (SQL_ONLY_KINDS[entry.kind] || SQL_ONLY[name]) continue;
      differences.push(`${name}: in the migrations only (${entry.definition})`);
    } else if (expressible(entry) !== other.definition) {
      differences.push(`${name}: the migrations say "${entry.definition}", schema.prisma says "${other.definition}"`);
    }
  }
  for (const [name, entry] of inSchema) {
    if (!inMigrations.has(name)) differences.push(`${name}: in schema.prisma only (${entry.definition})`);
  }
  for (const name of Object.keys(SQL_ONLY)) {
    if (!inMigrations.has(name)) differences.push(`${name}: on the list of SQL-only things, but no migration makes it`);
  }
  return differences.sort();
}
