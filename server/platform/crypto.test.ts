import { expect, test } from "vitest";
import { hashPassword, verifyPassword } from "#server/platform/crypto.ts";

test("a flood of sign-ins is turned away, and those who wait are served", { timeout: 30_000 }, async () => {
  const hash = await hashPassword("correct horse");
  const tries = await Promise.allSettled(Array.from({ length: 60 }, () => verifyPassword("correct horse", hash)));
  const served = tries.filter((one) => one.status === "fulfilled");
  expect(served.map((one) => one.value)).toEqual(Array(22).fill(true));
  const refused = tries.filter((one) => one.status === "rejected");
  expect(refused.every((one) => one.reason.code === "SERVICE_UNAVAILABLE")).toBe(true);
  expect(await verifyPassword("wrong", hash), "afterwards all is as before").toBe(false);
});
