import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closingLine, readPlaywrightReport, readVitestReport, sumTallies } from "#scripts/services/test-reports.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reports-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function report(content: unknown): string {
  const file = join(folder, "report.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

const file = (status: string, ...statuses: string[]) => ({
  name: "/x/trips.test.ts",
  status,
  message: status === "failed" ? "Error: cannot import\n at x" : "",
  assertionResults: statuses.map((each, index) => ({ status: each, fullName: `test ${index}` })),
});

describe("vitest", () => {
  test("passed, failed, skipped and todo tests are counted", () => {
    const written = report({
      success: false,
      testResults: [file("failed", "passed", "failed", "skipped", "todo"), file("passed", "passed")],
    });
    expect(readVitestReport(written, 1)).toEqual({
      passed: 2,
      failed: 1,
      skipped: 2,
      failures: ["/x/trips.test.ts: test 1"],
    });
  });

  test("a file that could not be run is a failure", () => {
    const tally = readVitestReport(report({ success: false, testResults: [file("failed")] }), 1);
    expect(tally).toMatchObject({ passed: 0, failed: 1, failures: ["/x/trips.test.ts: Error: cannot import"] });
  });

  test("a bad exit with a good report is a failure: an unhandled rejection, say", () => {
    expect(readVitestReport(report({ success: true, testResults: [file("passed", "passed")] }), 1)).toMatchObject({
      passed: 1,
      failed: 1,
    });
  });

  test.each([
    ["no report", join(tmpdir(), "no-such-report.json")],
    ["no tests", { success: true, testResults: [] }],
    ["half a report", '{"success": tr'],
  ])("%s is a failure", (_, content) => {
    const written = typeof content === "string" && content.startsWith("/") ? content : report(content);
    expect(readVitestReport(written, 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe("playwright", () => {
  const stats = (expected: number, unexpected: number, skipped: number) => ({
    expected,
    unexpected,
    flaky: 0,
    skipped,
  });

  test("its statistics are counted and failures named", () => {
    const spec = { title: "signs in", ok: false, file: "sign-in.spec.ts", line: 7 };
    const written = report({ errors: [], stats: stats(4, 1, 2), suites: [{ suites: [{ specs: [spec] }] }] });
    expect(readPlaywrightReport(written, 1)).toEqual({
      passed: 4,
      failed: 1,
      skipped: 2,
      failures: ["e2e/sign-in.spec.ts:7 signs in"],
    });
  });

  test("a global set-up that failed is a failure though no test ran", () => {
    const written = report({
      errors: [{ message: "the product did not start\nx" }],
      stats: stats(0, 0, 0),
      suites: [],
    });
    expect(readPlaywrightReport(written, 1)).toMatchObject({
      failed: 1,
      failures: ["playwright: the product did not start"],
    });
  });

  test("no report is a failure", () => {
    expect(readPlaywrightReport(join(folder, "none.json"), null)).toMatchObject({ failed: 1 });
  });
});

test("tallies are summed into the closing line", () => {
  const one = { passed: 2, failed: 0, skipped: 1, failures: [] };
  const two = { passed: 3, failed: 1, skipped: 0, failures: ["x"] };
  expect(sumTallies([one, two])).toEqual({ passed: 5, failed: 1, skipped: 1, failures: ["x"] });
  expect(closingLine(sumTallies([one, two]))).toBe("5 passed, 1 failed, 1 skipped");
});
