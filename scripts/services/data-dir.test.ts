import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataDir, readAuthSecret, readRunning } from "#scripts/services/data-dir.ts";

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

test("the secret is made once", () => {
  const secret = readAuthSecret(dataDir);
  expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  expect(readAuthSecret(dataDir)).toBe(secret);
  expect(statSync(join(dataDir, "auth-secret")).mode & 0o777).toBe(0o600);
});
