import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockDataDir, readAuthSecret, readRunning } from "#scripts/services/data-dir.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "data-dir-test-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

test("a data folder has one holder at a time", () => {
  const lock = lockDataDir(dataDir);
  expect(() => lockDataDir(dataDir)).toThrow(/in use by another npm start \(pid \d+\)/);
  lock.release();
  lockDataDir(dataDir).release();
});

test("a holder that is gone does not hold, even when its pid is taken again", () => {
  writeFileSync(join(dataDir, "running.json"), JSON.stringify({ pid: process.pid, startedAt: "1" }));
  expect(readRunning(dataDir)).toBeNull();
  lockDataDir(dataDir).release();
});

test("the holder's services can be read by other commands, and by the owner only", () => {
  const lock = lockDataDir(dataDir);
  lock.update({ baseUrl: "http://localhost:1", databaseUrl: "postgresql://x" });
  expect(readRunning(dataDir)).toMatchObject({ pid: process.pid, databaseUrl: "postgresql://x" });
  expect(statSync(join(dataDir, "running.json")).mode & 0o777).toBe(0o600);
  lock.release();
  expect(readRunning(dataDir)).toBeNull();
});

test("a data folder is made with those above it", () => {
  const deep = join(dataDir, "a", "b", "c");
  lockDataDir(deep).release();
  expect(statSync(deep).isDirectory()).toBe(true);
});

describe("a data folder that cannot be is refused at once, saying what is in the way and what to do", () => {
  const todo = "; choose a folder that this user may write to";
  const refusals = (folder: string) =>
    [() => lockDataDir(folder), () => readAuthSecret(folder)].map((use) => {
      try {
        use();
      } catch (error) {
        return error instanceof StartupError ? error.message : String(error);
      }
      return "taken";
    });

  test("a file, and a folder below a file", () => {
    const file = join(dataDir, "file");
    writeFileSync(file, "");
    const below = join(file, "x", "y");
    for (const message of refusals(file))
      expect(message).toBe(`DATA_DIR ${file} cannot be used: it is not a folder${todo}`);
    for (const message of refusals(below))
      expect(message).toBe(`DATA_DIR ${below} cannot be used: ${file} is not a folder${todo}`);
  });

  // mkdir there says ENOENT, upon which Node's recursive one tried for ever.
  test.runIf(existsSync("/proc/self"))("a folder below /proc", () => {
    for (const folder of ["/proc/x", "/proc/x/y"])
      for (const message of refusals(folder))
        expect(message).toBe(`DATA_DIR ${folder} cannot be used: /proc takes no new folder (ENOENT)${todo}`);
  });

  test("a link to nothing", () => {
    const link = join(dataDir, "link");
    symlinkSync(join(dataDir, "gone"), link);
    for (const message of refusals(link))
      expect(message).toBe(`DATA_DIR ${link} cannot be used: it is not a folder${todo}`);
  });
});

test("the secret is made once", () => {
  const secret = readAuthSecret(dataDir);
  expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  expect(readAuthSecret(dataDir)).toBe(secret);
  expect(statSync(join(dataDir, "auth-secret")).mode & 0o777).toBe(0o600);
});
