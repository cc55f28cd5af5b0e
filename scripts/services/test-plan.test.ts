import { expect, test } from "vitest";
import { readTestPlan } from "#scripts/services/test-plan.ts";

test("without arguments everything runs", () => {
  expect([...readTestPlan([]).stages]).toEqual(["checks", "unit", "integration", "e2e"]);
});

test("--only names the stages", () => {
  expect([...readTestPlan(["--only=unit,checks"]).stages]).toEqual(["unit", "checks"]);
});

test("--filter keeps the runner that the path belongs to", () => {
  const source = readTestPlan(["--filter=server/domain/trips"]);
  expect(source).toEqual({ stages: new Set(["unit", "integration"]), filter: "server/domain/trips" });
  expect([...readTestPlan(["--filter=e2e/sign-in.spec.ts"]).stages]).toEqual(["e2e"]);
});

test.each(["--onyl=unit", "--only=", "unit", "--only=units"])("%s is refused rather than running everything", (arg) => {
  expect(() => readTestPlan([arg])).toThrow(/unknown/);
});
