import { existsSync, readFileSync } from "node:fs";

/** What one runner did. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, one line each. */
  failures: string[];
}

export const EMPTY_TALLY: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** The runner's exit code (null when a signal ended it), which must agree with its report. */
type ExitCode = number | null;

interface VitestReport {
  success: boolean;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

interface PlaywrightReport {
  errors: { message?: string }[];
  stats: { expected: number; unexpected: number; flaky: number; skipped: number };
  suites: PlaywrightSuite[];
}

interface PlaywrightSuite {
  suites?: PlaywrightSuite[];
  specs?: { title: string; ok: boolean; file: string; line: number }[];
}

/** Adds tallies up. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (sum, tally) => ({
      passed: sum.passed + tally.passed,
      failed: sum.failed + tally.failed,
      skipped: sum.skipped + tally.skipped,
      failures: [...sum.failures, ...tally.failures],
    }),
    EMPTY_TALLY,
  );
}

/** The closing line of `npm test`. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * Reads vitest's JSON report. A file that could not be run counts as one failed test, and so does a run whose exit code
 * says more than its report (an unhandled error, a report without any test).
 */
export function readVitestReport(file: string, exitCode: ExitCode): Tally {
  const report = readJson<VitestReport>(file);
  if (!report) return runnerFailed(`vitest wrote no report (${describeCode(exitCode)})`);
  const tallies = report.testResults.map((result): Tally => {
    const tests = result.assertionResults;
    const failures = tests
      .filter(({ status }) => status === "failed")
      .map(({ fullName }) => `${result.name}: ${fullName}`);
    if (result.status === "failed" && failures.length === 0) {
      failures.push(`${result.name}: ${result.message.split("\n")[0] || "could not be run"}`);
    }
    const passed = tests.filter(({ status }) => status === "passed").length;
    const failedTests = tests.filter(({ status }) => status === "failed").length;
    return { passed, failed: failures.length, skipped: tests.length - passed - failedTests, failures };
  });
  return agreeWithExit("vitest", sumTallies(tallies), exitCode, report.success);
}

/** Reads Playwright's JSON report. An error outside any test (a set-up that failed) counts as one failed test. */
export function readPlaywrightReport(file: string, exitCode: ExitCode): Tally {
  const report = readJson<PlaywrightReport>(file);
  if (!report) return runnerFailed(`playwright wrote no report (${describeCode(exitCode)})`);
  const { expected, unexpected, flaky, skipped } = report.stats;
  const failures = failedSpecs(report.suites);
  for (const { message } of report.errors) failures.push(`playwright: ${(message ?? "error").split("\n")[0]}`);
  // Without retries there are no flaky tests; should someone add them, a test that needed one has failed once.
  const failed = unexpected + flaky + report.errors.length;
  return agreeWithExit("playwright", { passed: expected, failed, skipped, failures }, exitCode, true);
}

function failedSpecs(suites: readonly PlaywrightSuite[]): string[] {
  return suites.flatMap(({ specs = [], suites: inner = [] }) => [
    ...specs.filter(({ ok }) => !ok).map(({ file, line, title }) => `e2e/${file}:${line} ${title}`),
    ...failedSpecs(inner),
  ]);
}

/** A runner that did not do its work at all: one failed test. */
export function runnerFailed(reason: string): Tally {
  return { ...EMPTY_TALLY, failed: 1, failures: [reason] };
}

function agreeWithExit(runner: string, tally: Tally, exitCode: ExitCode, success: boolean): Tally {
  if (tally.failed > 0) return tally;
  if (exitCode !== 0 || !success) {
    return sumTallies([tally, runnerFailed(`${runner} failed outside its tests (${describeCode(exitCode)})`)]);
  }
  if (tally.passed + tally.skipped === 0) return sumTallies([tally, runnerFailed(`${runner} found no tests`)]);
  return tally;
}

function describeCode(exitCode: ExitCode): string {
  return exitCode === null ? "ended by a signal" : `exit code ${exitCode}`;
}

function readJson<T>(file: string): T | null {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch {
    return null; // cut off: the runner was ended while writing
  }
}
