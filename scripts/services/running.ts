import { dataDirFromEnv, readAuthSecret, readEncryptionKeys, readRunning } from "#scripts/services/data-dir.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

/** The platform that a command line tool works on: what the environment names, else the `npm start` on this DATA_DIR. */
export interface Target {
  readonly databaseUrl: string;
  readonly authSecret: string;
  readonly encryptionKeys: string;
  readonly baseUrl: string;
  readonly redisUrl: string | null;
}

/** @throws StartupError when neither is there */
export function findTarget(env: Readonly<Record<string, string | undefined>> = process.env): Target {
  const dataDir = dataDirFromEnv();
  const running = readRunning(dataDir);
  const databaseUrl = env.DATABASE_URL ?? running?.databaseUrl;
  if (databaseUrl === undefined)
    throw new StartupError(`nothing runs on ${dataDir}: start the platform with npm start, or set DATABASE_URL`);
  return {
    databaseUrl,
    authSecret: env.AUTH_SECRET ?? running?.authSecret ?? readAuthSecret(dataDir),
    encryptionKeys: env.ENCRYPTION_KEYS ?? running?.encryptionKeys ?? readEncryptionKeys(dataDir),
    baseUrl: env.BASE_URL ?? running?.baseUrl ?? `http://localhost:${env.PORT ?? 3000}`,
    redisUrl: env.REDIS_URL ?? running?.redisUrl ?? null,
  };
}
