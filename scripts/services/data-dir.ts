import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { processStatus } from "#scripts/services/process-status.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

/** The checkout. */
export const ROOT = dirname(dirname(import.meta.dirname));

/** What a running `npm start` tells the other commands (tokens, seed, replay): where its services are. Mode 600. */
export interface Running {
  pid: number;
  /** Tells a reused pid from the process that wrote this; null where the system does not say. */
  startedAt: string | null;
  /** From here on absent while it is still starting. */
  baseUrl?: string;
  databaseUrl?: string;
  /** Null in standalone operation. */
  redisUrl?: string | null;
  authSecret?: string;
  encryptionKeys?: string;
}

/** DATA_DIR as an absolute path; by default `.data` in the checkout. */
export function dataDirFromEnv(): string {
  return resolve(ROOT, process.env.DATA_DIR || ".data");
}

const runningFile = (dataDir: string) => join(dataDir, "running.json");

/** What the `npm start` on this data folder says of itself; null when none is running. */
export function readRunning(dataDir: string): Running | null {
  let running: Running;
  try {
    running = JSON.parse(readFileSync(runningFile(dataDir), "utf8")) as Running;
  } catch {
    return null; // absent, or cut off in the middle of writing: then its writer is gone too
  }
  const current = processStatus(running.pid);
  return current.alive && current.startedAt === running.startedAt ? running : null;
}

const unusable = (dataDir: string, why: string) =>
  new StartupError(`DATA_DIR ${dataDir} cannot be used: ${why}; choose a folder that this user may write to`);

const notFolder = (dataDir: string, path: string) => `${path === dataDir ? "it" : path} is not a folder`;

/**
 * The folder and those above it that are missing. One by one: where the system takes no folder and says that something
 * is missing, as under /proc, `mkdirSync` with `recursive` goes round for ever.
 *
 * @throws StartupError saying which of them is in the way
 */
function makeDataDir(dataDir: string): void {
  const missing: string[] = [];
  let there = dataDir;
  for (; ; there = dirname(there)) {
    const found = lookAt(dataDir, there);
    if (found === "folder") break;
    if (found === "other") throw unusable(dataDir, notFolder(dataDir, there));
    missing.unshift(there);
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST") throw unusable(dataDir, `${dirname(folder)} takes no new folder (${code ?? message})`);
      // Made meanwhile by another start, which the lock then tells from ours; or a link that leads nowhere.
      if (lookAt(dataDir, folder) !== "folder") throw unusable(dataDir, notFolder(dataDir, folder));
    }
  }
}

function lookAt(dataDir: string, path: string): "folder" | "other" | "nothing" {
  try {
    return statSync(path).isDirectory() ? "folder" : "other";
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // ENOTDIR: something above it is a file; the look at that says which.
    if (code === "ENOENT" || code === "ENOTDIR") return "nothing";
    throw unusable(dataDir, `${path} cannot be looked at (${code ?? message})`);
  }
}

/**
 * Claims the data folder for this process: only one `npm start` at a time.
 *
 * @throws StartupError when another one holds it, or it cannot be written
 */
export function lockDataDir(dataDir: string): { update(details: Partial<Running>): void; release(): void } {
  const file = runningFile(dataDir);
  const own: Running = { pid: process.pid, startedAt: processStatus(process.pid).startedAt };
  makeDataDir(dataDir);
  try {
    const holder = readRunning(dataDir);
    if (holder) {
      const where = holder.baseUrl ? ` at ${holder.baseUrl}` : "";
      throw new StartupError(
        `${dataDir} is in use by another npm start (pid ${holder.pid}${where}); stop it, or choose another DATA_DIR and PORT`,
      );
    }
    rmSync(file, { force: true }); // left by one that was killed
    writeFileSync(file, JSON.stringify(own), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new StartupError(`${dataDir} is being taken by another npm start at this moment`);
    throw unusable(dataDir, `nothing can be written in it (${code ?? message})`);
  }
  const current = { ...own };
  return {
    update: (details) => {
      Object.assign(current, details);
      const partial = `${file}.new`;
      writeFileSync(partial, `${JSON.stringify(current, null, 2)}\n`, { mode: 0o600 });
      renameSync(partial, file); // readers see the old one or the new one
    },
    release: () => rmSync(file, { force: true }),
  };
}

/**
 * AUTH_SECRET for this data folder: 32 random bytes made once, so that sessions and tokens outlive a restart.
 *
 * @throws StartupError when the folder cannot be made
 */
export function readAuthSecret(dataDir: string): string {
  return readOnceMade(dataDir, "auth-secret", () => randomBytes(32).toString("base64url"));
}

/**
 * ENCRYPTION_KEYS for this data folder, made once: without them encrypted columns cannot be read again.
 *
 * @throws StartupError when the folder cannot be made
 */
export function readEncryptionKeys(dataDir: string): string {
  return readOnceMade(dataDir, "encryption-keys", () => `1:${randomBytes(32).toString("base64")}`);
}

function readOnceMade(dataDir: string, name: string, make: () => string): string {
  const file = join(dataDir, name);
  makeDataDir(dataDir);
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, "utf8").trim();
}
