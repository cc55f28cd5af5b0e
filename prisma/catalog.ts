import pg from "pg";

/** What kinds of things a database is compared by. */
export type CatalogKind =
  | "table"
  | "partition"
  | "view"
  | "column"
  | "primary key"
  | "foreign key"
  | "index"
  | "partial index"
  | "expression index"
  | "check"
  | "exclusion"
  | "trigger"
  | "function"
  | "type"
  | "extension";

/** One thing in the schema `public`: what identifies it, and everything about it that must agree. */
export interface CatalogEntry {
  kind: CatalogKind;
  /** `table.column`, an index's name, and so on; unique within its kind. */
  name: string;
  definition: string;
}

/**
 * Two ways of saying the same are made one: `timestamptz(6)` is the default precision, `CURRENT_TIMESTAMP` is `now()`, and
 * an identity column and a serial one both number themselves. What a foreign key does when the referenced id changes is
 * left out: ids never change, and Prisma's schema language would set CASCADE where SQL's default is NO ACTION.
 */
const CATALOG_SQL = `
WITH space AS (SELECT 'public'::regnamespace::oid AS oid),
relation AS (
  SELECT c.oid, c.relname, c.relkind, c.relispartition FROM pg_class c, space
  WHERE c.relnamespace = space.oid AND c.relname <> '_prisma_migrations'
)
SELECT CASE WHEN relispartition THEN 'partition' WHEN relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
       relname::text AS name,
       CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) ELSE '' END AS definition
FROM relation WHERE relkind IN ('r', 'p', 'v', 'm')
UNION ALL
SELECT 'column', r.relname || '.' || a.attname,
       replace(format_type(a.atttypid, a.atttypmod), 'timestamp(6)', 'timestamp')
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || CASE WHEN a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN ' numbered'
               WHEN a.attgenerated <> '' THEN ' generated ' || pg_get_expr(d.adbin, d.adrelid)
               WHEN d.adbin IS NOT NULL
               THEN ' default ' || replace(pg_get_expr(d.adbin, d.adrelid), 'CURRENT_TIMESTAMP', 'now()')
               ELSE '' END
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p') AND NOT r.relispartition AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT CASE contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' ELSE 'exclusion' END,
       r.relname || '.' || k.conname,
       regexp_replace(pg_get_constraintdef(k.oid), ' ON UPDATE (CASCADE|RESTRICT|NO ACTION)', '')
FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
WHERE k.contype IN ('p', 'f', 'c', 'x') AND NOT r.relispartition
UNION ALL
SELECT CASE WHEN i.indexprs IS NOT NULL THEN 'expression index' WHEN i.indpred IS NOT NULL THEN 'partial index' ELSE 'index' END,
       x.relname::text, pg_get_indexdef(i.indexrelid)
FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class x ON x.oid = i.indexrelid
WHERE NOT r.relispartition AND NOT i.indisprimary AND NOT i.indisexclusion
UNION ALL
SELECT 'trigger', r.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal AND NOT r.relispartition
UNION ALL
SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc p, space WHERE p.pronamespace = space.oid AND p.prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')
UNION ALL
SELECT 'type', t.typname::text,
       coalesce((SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), t.typtype::text)
FROM pg_type t, space WHERE t.typnamespace = space.oid AND t.typtype IN ('e', 'd')
UNION ALL
SELECT 'extension', extname::text, '' FROM pg_extension WHERE extname <> 'plpgsql'
ORDER BY 1, 2`;

/** Reads what the schema `public` of a database consists of; Prisma's own `_prisma_migrations` is left out. */
export async function readCatalog(databaseUrl: string): Promise<CatalogEntry[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rows } = await client.query<CatalogEntry>(CATALOG_SQL);
    return rows;
  } finally {
    await client.end();
  }
}
