import { expect, test } from "vitest";
import { ShortCache } from "#server/platform/short-cache.ts";

function cached(maxAgeMs = 2000) {
  let now = 0;
  const reads: ((value: string) => void)[] = [];
  const cache = new ShortCache<string>({
    read: () => new Promise((resolve) => reads.push(resolve)),
    maxAgeMs,
    monotonicMs: () => now,
  });
  const at = (ms: number) => {
    now = ms;
  };
  return { cache, reads, at };
}

test("a value is read again once it is as old as it may be, counted from the beginning of its read", async () => {
  const { cache, reads, at } = cached();
  const first = cache.get("a");
  at(1500);
  reads[0]?.("old");
  expect(await first).toBe("old");
  at(1999);
  expect(await cache.get("a")).toBe("old");
  at(2000);
  const again = cache.get("a");
  reads[1]?.("new");
  expect(await again).toBe("new");
});

test("what was being read when all was forgotten is not kept", async () => {
  const { cache, reads } = cached();
  const before = cache.get("a");
  cache.forget();
  const after = cache.get("a");
  reads[0]?.("old");
  reads[1]?.("new");
  expect([await before, await after, await cache.get("a")]).toEqual(["old", "new", "new"]);
});

test("callers at the same time share a read, and a failed one is not remembered", async () => {
  let reads = 0;
  const cache = new ShortCache({
    read: async () => (++reads === 1 ? Promise.reject(new Error("away")) : reads),
    maxAgeMs: 2000,
    monotonicMs: () => 0,
  });
  const both = await Promise.allSettled([cache.get("a"), cache.get("a")]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect([reads, await cache.get("a")]).toEqual([1, 2]);
});

// All was forgotten at once, and everybody read again at the same moment.
test("one too many makes it forget the one read longest ago, and no other", async () => {
  const reads: string[] = [];
  const cache = new ShortCache({
    read: async (key) => reads.push(key),
    maxAgeMs: 2000,
    monotonicMs: () => 0,
    maxEntries: 2,
  });
  for (const key of ["a", "b", "c", "b", "c", "a", "c"]) await cache.get(key);
  expect(reads).toEqual(["a", "b", "c", "a"]);
});
