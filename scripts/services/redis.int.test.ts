import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkRedisUrl, startRedis } from "#scripts/services/redis.ts";
import { superviseRedis } from "#scripts/services/redis-supervisor.ts";
import { waitUntil } from "#server/testing/wait.ts";

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

describe("a supervised private Redis", () => {
  const supervise = async (wanted: () => boolean = () => true) => {
    const redis = await startRedis({ dataDir, log: () => undefined });
    if (redis.kind !== "running") throw new Error(redis.reason);
    const printed: string[] = [];
    const supervisor = superviseRedis(redis, { print: (line) => void printed.push(line), wanted });
    return { redis, supervisor, printed };
  };

  test("killed, it is back under the same URL, each time with one line", async () => {
    const { redis, supervisor, printed } = await supervise();
    try {
      for (const times of [1, 2]) {
        const pid = supervisor.pid() ?? 0;
        process.kill(pid, "SIGKILL");
        await waitUntil("another runs", () => supervisor.pid() !== pid, 10_000);
        await checkRedisUrl(redis.url);
        await waitUntil("it is said", () => printed.length === times);
        expect(printed.at(-1)).toMatch(
          new RegExp(`^! Redis ended \\(signal SIGKILL\\); started again on port ${redis.port} after \\d+\\.\\d s$`),
        );
      }
    } finally {
      await supervisor.stop();
    }
    await expect(checkRedisUrl(redis.url)).rejects.toThrow(/connection refused/);
  });

  test("while its port is taken it is tried on, and says so once", async () => {
    const { redis, supervisor, printed } = await supervise();
    const other = createServer();
    try {
      process.kill(supervisor.pid() ?? 0, "SIGKILL");
      await redis.exited;
      await new Promise<void>((resolve) => other.listen(redis.port, "127.0.0.1", resolve));
      await waitUntil("it is said", () => printed.length === 1, 10_000);
      expect(printed[0]).toMatch(/^! Redis does not start again, and is tried on: Redis did not start: /);
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
      await waitUntil("it is back", () => printed.length === 2, 10_000);
      expect(printed[1]).toMatch(/started again on port/);
      await checkRedisUrl(redis.url);
    } finally {
      await supervisor.stop();
    }
  });

  test("stopped while it waits to start again, it stays away, and an end while the product stops is none of its own", async () => {
    let wanted = true;
    const { redis, supervisor, printed } = await supervise(() => wanted);
    process.kill(supervisor.pid() ?? 0, "SIGKILL");
    await redis.exited;
    await supervisor.stop();

    const stopping = await supervise(() => wanted);
    wanted = false;
    process.kill(stopping.supervisor.pid() ?? 0, "SIGKILL");
    await stopping.redis.exited;
    await stopping.supervisor.stop();
    for (const { url } of [redis, stopping.redis]) await expect(checkRedisUrl(url)).rejects.toThrow(/refused/);
    expect([...printed, ...stopping.printed]).toEqual([]);
  });
});
