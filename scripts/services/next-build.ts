import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hashPaths } from "#scripts/services/content-hash.ts";
import { describeExit, spawnChild } from "#scripts/services/process-group.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

/** All that a build of the console is made from. `server/` because pages import its contracts and types. */
const SOURCES = [
  "app",
  "components",
  "server",
  "public",
  "prisma/schema.prisma",
  "next.config.js",
  "postcss.config.mjs",
  "tsconfig.json",
  "package-lock.json",
];
const STAMP = join(".next", ".smartline-build");

/** Whether `.next` holds a build of exactly these sources. */
export function buildIsCurrent(root: string): boolean {
  const stamp = join(root, STAMP);
  return (
    existsSync(join(root, ".next", "BUILD_ID")) &&
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === hashPaths(root, SOURCES)
  );
}

/**
 * Runs `next build` unless `.next` is a build of the same sources. `npm start` and the journeys of `npm test` share the
 * result.
 *
 * @param onLine gets the build's output line by line, for progress
 * @throws StartupError when the build fails; what it said has gone to `onLine`
 */
export async function buildConsole(options: {
  root: string;
  force?: boolean;
  onLine: (line: string) => void;
}): Promise<{ built: boolean }> {
  const { root, force = false, onLine } = options;
  // Hashed before the build: a file that is edited meanwhile makes the result stale, as it should.
  const hash = hashPaths(root, SOURCES);
  if (!force && buildIsCurrent(root)) return { built: false };

  const stamp = join(root, STAMP);
  rmSync(stamp, { force: true });
  const child = spawnChild({
    name: "next build",
    command: process.execPath,
    args: [join(root, "node_modules", "next", "dist", "bin", "next"), "build"],
    cwd: root,
    env: { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" },
    output: { lines: onLine },
  });
  const exit = await child.exited;
  if (exit.code !== 0) throw new StartupError(`next build failed (${describeExit(exit)}); its output is above`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
  return { built: true };
}
