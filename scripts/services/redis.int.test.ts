import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkRedisUrl, startRedis } from "#scripts/services/redis.ts";

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), "redis-test-"));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

test("a private Redis evicts nothing, keeps nothing, listens on loopback, and is gone when stopped", async () => {
  const redis = await startRedis({ dataDir, log: () => undefined });
  if (redis.kind !== "running") throw new Error(redis.reason);
  const client = new Redis(redis.url);
  try {
    const setting = async (name: string) => ((await client.config("GET", name)) as string[])[1];
    expect(await setting("maxmemory-policy")).toBe("noeviction");
    expect(await setting("appendonly")).toBe("no");
    expect(await setting("save")).toBe("");
    expect(await setting("bind")).toBe("127.0.0.1");
    await client.set("kept", "no");
  } finally {
    client.disconnect();
  }
  const withoutPassword = `redis://127.0.0.1:${redis.port}`;
  await expect(checkRedisUrl(withoutPassword)).rejects.toThrow(/refused: NOAUTH/);
  await checkRedisUrl(redis.url);

  await redis.stop();
  await expect(checkRedisUrl(redis.url)).rejects.toThrow(/connection refused/);
  expect(readdirSync(join(dataDir, "redis"))).toEqual([]);
});
