import type { Ledger } from "#scripts/replay/ledger.ts";
import type { Timings } from "#scripts/replay/outcomes.ts";
import { type Percentiles, percentilesOf } from "#scripts/replay/percentiles.ts";
import type { InvariantsView } from "#server/contracts/console.ts";

/** All that a replay found out; `--json` prints it as it is. Times in milliseconds. */
export interface ReplayReport {
  readonly zones: number;
  readonly drivers: number;
  readonly riders: number;
  /** Times real speed; null: as fast as allowed. */
  readonly speed: number | null;
  readonly tookMs: number;
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly booked: number;
  /** Trips that got a driver. */
  readonly assigned: number;
  readonly completed: number;
  readonly expired: number;
  /** Of the expired: the platform looked, and no driver was near. */
  readonly expiredNobodyNear: number;
  /** Of the expired: nobody looked for a driver in time. */
  readonly expiredUnsearched: number;
  readonly cancelled: number;
  /** Trips that had not ended by the bound, before they were cancelled. */
  readonly overdue: number;
  readonly failed: number;
  readonly outside: {
    /** Refused with 422 OUTSIDE_SERVICE_AREA. */
    readonly refused: number;
    /** Outside by brute force over all polygons. */
    readonly expected: number;
    /** Points where the two disagree. */
    readonly mismatches: number;
    /** Some of them; `refused`: the platform called the point outside, the polygons do not. */
    readonly examples: readonly { readonly lat: number; readonly lng: number; readonly refused: boolean }[];
  };
  readonly moreThanOneBatch: number;
  readonly times: Readonly<Record<string, Percentiles | null>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly invariants: InvariantsView;
  readonly ok: boolean;
}

export function timesOf(ledger: Ledger, timings: Timings): ReplayReport["times"] {
  return {
    "request to assignment": percentilesOf(timings.toAssignment),
    "  request to first offer": percentilesOf(timings.toFirstOffer),
    "  first offer to assignment": percentilesOf(timings.offerToAccept),
    ...Object.fromEntries([...ledger.latencies].map(([call, values]) => [`POST ${call}`, percentilesOf(values)])),
  };
}

const share = (part: number, whole: number) => (whole === 0 ? "" : `${((100 * part) / whole).toFixed(2)} %`);
const count = (n: number) => n.toLocaleString("en-US");

/** The report as a table for people. */
export function reportLines(report: ReplayReport): string[] {
  const { requests, outside } = report;
  const row = (name: string, n: number, note = "") =>
    `  ${name.padEnd(28)}${count(n).padStart(9)}  ${share(n, requests).padStart(8)}  ${note}`.trimEnd();
  const agrees = outside.mismatches === 0 ? "the same points" : `${outside.mismatches} points differ`;
  const took = `${(report.tookMs / 1000).toFixed(1)} s`;
  const speed = report.speed === null ? "as fast as allowed" : `at ${report.speed} times real speed`;
  return [
    "",
    `${count(requests)} pickups ${speed} in ${took}: ${report.requestsPerSecond.toFixed(1)} requests/s, ${count(report.drivers)} drivers, ${count(report.riders)} riders, ${report.zones} zones`,
    "",
    row("assigned", report.assigned, report.moreThanOneBatch > 0 ? `${report.moreThanOneBatch} in a later batch` : ""),
    row("  completed", report.completed),
    row("expired", report.expired, report.expired > 0 ? expiredNote(report) : ""),
    row("cancelled", report.cancelled, report.overdue > 0 ? `${report.overdue} had not ended in time` : ""),
    row("outside the area (422)", outside.refused, `by brute force ${count(outside.expected)}: ${agrees}`),
    ...outside.examples.map(
      ({ lat, lng, refused }) =>
        `    ${lat}, ${lng} was ${refused ? "refused, but lies inside" : "served, but lies outside"}`,
    ),
    row("failed", report.failed),
    "",
    `  ${"milliseconds".padEnd(28)}${["n", "p50", "p95", "p99", "max"].map((name) => name.padStart(9)).join("")}`,
    ...Object.entries(report.times).map(([name, p]) => timeRow(name, p)),
    "",
    ...errorLines(report.errors),
  ];
}

function expiredNote({ expired, expiredNobodyNear, expiredUnsearched }: ReplayReport): string {
  const offered = expired - expiredNobodyNear - expiredUnsearched;
  return `${expiredNobodyNear} with no driver near, ${offered} offered but not taken, ${expiredUnsearched} never looked for`;
}

function timeRow(name: string, p: Percentiles | null): string {
  const cells =
    p === null
      ? ["0", "", "", "", ""]
      : [count(p.count), ...[p.p50, p.p95, p.p99, p.max].map((ms) => ms.toFixed(ms < 100 ? 1 : 0))];
  return `  ${name.padEnd(28)}${cells.map((cell) => cell.padStart(9)).join("")}`;
}

function errorLines(errors: ReplayReport["errors"]): string[] {
  const entries = Object.entries(errors);
  if (entries.length === 0) return ["  no errors", ""];
  return ["  answers other than success", ...entries.map(([name, n]) => `  ${count(n).padStart(9)}  ${name}`), ""];
}
