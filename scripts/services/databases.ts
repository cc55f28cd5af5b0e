import pg from "pg";
import { StartupError } from "#scripts/services/startup-error.ts";

/** The oldest PostgreSQL we run on (`server_version_num`). */
const OLDEST_SERVER = 150_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** The connection URL with another database in it. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.toString();
}

/** `host:port/database` of a connection URL, without the password: what messages may show. */
export function describeDatabaseUrl(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname || "localhost"}:${port || "5432"}/${decodeURIComponent(pathname.slice(1))}`;
}

/** Opens one connection for the time of `work`. Errors pass through as they are. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A connection that breaks while idle is reported by the next query; unheard, the event would end the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Whether the server of `adminUrl` has the database. */
export function databaseExists(adminUrl: string, name: string): Promise<boolean> {
  return withClient(adminUrl, async (client) => {
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    return found.rowCount === 1;
  });
}

/**
 * Creates a database, empty or as a copy of `template`, and returns its URL. A template must have no other connection
 * at that moment: PostgreSQL refuses with 55006 otherwise.
 */
export async function createDatabase(adminUrl: string, name: string, template?: string): Promise<string> {
  await withClient(adminUrl, async (client) => {
    const source = template ? ` TEMPLATE ${client.escapeIdentifier(template)}` : "";
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}${source}`);
  });
  return withDatabase(adminUrl, name);
}

/** Drops a database with whatever is connected to it; nothing happens when there is none. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withClient(adminUrl, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`),
  );
}

/** Connects once to a DATABASE_URL that was given to us. Throws a {@link StartupError} saying what is wrong with it. */
export async function checkDatabaseUrl(url: string): Promise<{ version: string }> {
  let shown: string;
  try {
    const { protocol } = new URL(url);
    if (protocol !== "postgres:" && protocol !== "postgresql:") throw new Error("not a PostgreSQL URL");
    shown = describeDatabaseUrl(url);
  } catch {
    throw new StartupError("DATABASE_URL is not of the form postgresql://user:password@host:5432/database");
  }
  const { version, name } = await withClient(url, async (client) => {
    const found = await client.query<{ version: number; name: string }>(
      "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name",
    );
    return found.rows[0] ?? { version: 0, name: "unknown" };
  }).catch((error: unknown) => {
    throw new StartupError(`DATABASE_URL (${shown}): ${explainConnectFailure(error, url)}`);
  });
  if (version < OLDEST_SERVER) {
    throw new StartupError(`DATABASE_URL (${shown}): the server is PostgreSQL ${name}; 15 or newer is needed`);
  }
  return { version: name.split(" ")[0] ?? name };
}

function explainConnectFailure(error: unknown, url: string): string {
  const code = (error as { code?: string }).code;
  switch (code) {
    case "28P01":
    case "28000":
      return `the server refused user "${decodeURIComponent(new URL(url).username)}" (wrong password or no right to connect)`;
    case "3D000":
      return "the server has no such database; create it first (createdb)";
    case "53300":
      return "the server has no connection left (too many clients)";
    case "ECONNREFUSED":
      return "nothing listens there (connection refused)";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is not known";
    default: {
      const message = error instanceof Error ? error.message : String(error);
      if (/timeout/i.test(message)) return `no answer within ${CONNECT_TIMEOUT_MS / 1000} s`;
      return message.split("\n")[0] || (code ?? "unknown error");
    }
  }
}
