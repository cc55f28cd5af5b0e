import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describeExit, spawnChild } from "#scripts/services/process-group.ts";

/** What dpkg asks before it starts a service of a package it installs. */
const POLICY_FILE = "/usr/sbin/policy-rc.d";
const INSTALL_TIMEOUT_MS = 5 * 60_000;

/** The full path of the first of `names` that the PATH has, or null. */
export function findOnPath(...names: string[]): string | null {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/local/bin", "/usr/sbin"];
  for (const name of names) {
    for (const folder of folders.filter(Boolean)) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not in this folder.
      }
    }
  }
  return null;
}

/**
 * Installs a Debian package, as root and with apt-get only; its services are not started.
 *
 * @returns null when it is installed, else the reason in a few words
 */
export async function installPackage(name: string, log: (line: string) => void): Promise<string | null> {
  if (process.getuid?.() !== 0) return `not root, so ${name} cannot be installed`;
  const aptGet = findOnPath("apt-get");
  if (!aptGet) return `no apt-get here to install ${name}`;

  log(`installing ${name} (apt-get)`);
  const forbidServices = !existsSync(POLICY_FILE);
  if (forbidServices) writeFileSync(POLICY_FILE, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    // A stale package list is worth a try; only the installation itself decides.
    await run(aptGet, ["update", "-qq"]);
    const failure = await run(aptGet, ["install", "-y", "-qq", "--no-install-recommends", name]);
    return failure ? `apt-get could not install ${name} (${failure})` : null;
  } finally {
    if (forbidServices) rmSync(POLICY_FILE, { force: true });
  }
}

async function run(aptGet: string, args: string[]): Promise<string | null> {
  const child = spawnChild({
    name: "apt-get",
    command: aptGet,
    args: ["-o", "DPkg::Lock::Timeout=120", ...args],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    output: "ignore",
  });
  const timer = setTimeout(() => void child.stop(), INSTALL_TIMEOUT_MS);
  const exit = await child.exited;
  clearTimeout(timer);
  return exit.code === 0 ? null : describeExit(exit);
}
