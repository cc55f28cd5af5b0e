import { dataDirFromEnv } from "#scripts/services/data-dir.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

/** What `npm start` takes from the environment. */
export interface StartConfig {
  port: number;
  dataDir: string;
  /** Absent: an embedded PostgreSQL under dataDir. */
  databaseUrl?: string;
  /** Absent: a private Redis, else standalone. */
  redisUrl?: string;
  /** Absent: made once and kept in dataDir. */
  authSecret?: string;
  /** Whether the city simulator runs (DEMO=0 switches it off). */
  simulate: boolean;
  /** BUILD: `0` takes the build that is there, `1` builds anew, else built when the sources have changed. */
  build: "when-stale" | "never" | "always";
}

/** Reads and checks the environment. Throws a {@link StartupError} naming the variable that is wrong. */
export function readStartConfig(env: NodeJS.ProcessEnv): StartConfig {
  return {
    port: readPort(env.PORT),
    dataDir: dataDirFromEnv(),
    ...(env.DATABASE_URL ? { databaseUrl: env.DATABASE_URL } : {}),
    ...(env.REDIS_URL ? { redisUrl: env.REDIS_URL } : {}),
    ...(env.AUTH_SECRET ? { authSecret: env.AUTH_SECRET } : {}),
    simulate: readSwitch("DEMO", env.DEMO) ?? true,
    build: ({ true: "always", false: "never", undefined: "when-stale" } as const)[
      `${readSwitch("BUILD", env.BUILD)}` as const
    ],
  };
}

function readPort(value: string | undefined): number {
  if (!value) return 3000;
  const port = Number(value);
  if (/^\d+$/.test(value) && port >= 1 && port <= 65_535) return port;
  throw new StartupError(`PORT is "${value}"; it must be a number from 1 to 65535`);
}

function readSwitch(name: string, value: string | undefined): boolean | undefined {
  if (!value) return undefined;
  if (value === "1" || value === "true") return true;
  if (value === "0" || value === "false") return false;
  throw new StartupError(`${name} is "${value}"; it must be 0 or 1`);
}
