import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { SchemaEngine } from "@prisma/schema-engine-wasm";
import pg from "pg";

/**
 * Prisma's schema engine as WebAssembly: what `prisma migrate` uses, without the binary that it would fetch at run time.
 * The package's own entry imports the .wasm as a module, which Node 24 does with a warning on stderr; so it is
 * instantiated here.
 *
 * Mind (8.1.0-2 with adapter-pg 7.10): reading the structure of a live database through it fails, because the adapter does
 * not know PostgreSQL's type "char". Applying migrations and turning a schema into SQL need no such reading. And it leaves
 * a 10 s timer behind, so commands end with process.exit.
 */
async function loadEngineClass(): Promise<typeof SchemaEngine> {
  const bindings = await import("@prisma/schema-engine-wasm/schema_engine_bg");
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
  const bytes = await readFile(join(folder, "schema_engine_bg.wasm"));
  // The engine reports a panic through this global before it traps; without it only a TypeError would be seen.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message: (message: string) => {
        throw new Error(`Prisma's schema engine panicked: ${message}`);
      },
    },
  });
  const { instance } = await WebAssembly.instantiate(bytes, {
    "./schema_engine_bg.js": bindings as unknown as WebAssembly.ModuleImports,
  });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return bindings.SchemaEngine;
}

let engineClass: Promise<typeof SchemaEngine> | undefined;

/**
 * The adapter's own `executeScript` splits a migration at every `;`, which tears function bodies, strings and comments
 * apart, and runs the pieces one by one. Sent whole, PostgreSQL parses it itself and runs it as one transaction: a
 * migration that fails leaves nothing behind.
 */
class WholeScriptPrismaPg extends PrismaPg {
  readonly #pool: pg.Pool;
  readonly #onScriptError: (error: unknown) => void;

  constructor(pool: pg.Pool, onScriptError: (error: unknown) => void) {
    super(pool);
    this.#pool = pool;
    this.#onScriptError = onScriptError;
  }

  override async connect(): ReturnType<PrismaPg["connect"]> {
    const adapter = await super.connect();
    adapter.executeScript = async (script) => {
      try {
        await this.#pool.query(script);
      } catch (error) {
        this.#onScriptError(error);
        throw error;
      }
    };
    return adapter;
  }
}

/** A schema engine on one database. */
export interface OpenSchemaEngine {
  engine: SchemaEngine;
  /** PostgreSQL's own error for the last script it refused: the engine's wrapping drops message and position. */
  lastScriptError(): unknown;
}

/** Opens the engine on a database for the time of `work`, and closes its connections afterwards. */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  work: (opened: OpenSchemaEngine) => Promise<T>,
): Promise<T> {
  engineClass ??= loadEngineClass();
  const Engine = await engineClass;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, connectionTimeoutMillis: 10_000 });
  pool.on("error", () => undefined); // a broken connection is reported by the next query
  let scriptError: unknown;
  const factory = new WholeScriptPrismaPg(pool, (error) => {
    scriptError = error;
  });
  let engine: SchemaEngine | undefined;
  try {
    engine = await Engine.new({ datamodels: undefined }, () => undefined, bindMigrationAwareSqlAdapterFactory(factory));
    return await work({ engine, lastScriptError: () => scriptError });
  } finally {
    engine?.free();
    await pool.end();
  }
}
