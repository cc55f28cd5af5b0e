import { expect, test } from "vitest";
import { inTime } from "#server/platform/in-time.ts";

const after = <T>(ms: number, value: T) => new Promise<T>((resolve) => setTimeout(() => resolve(value), ms));

test("the answer when it comes, an error when it does not", async () => {
  expect(await inTime(100, after(30, "yes"))).toBe("yes");
  await expect(inTime(60, after(500, "late"))).rejects.toThrow("no answer within 60 ms");
  await expect(inTime(60, Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("a process that was busy all the while finds the answer that has come", async () => {
  const answer = inTime(60, after(10, "yes"));
  const end = performance.now() + 200;
  while (performance.now() < end);
  expect(await answer).toBe("yes");
});
