/**
 * `npm run bench [-- --quick] [--only=<part>] [--rounds N]`: each figure beside a reference measured in the same run. A
 * table, and JSON in bench/results/.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchFlows, benchThroughput, type FlowBench, type Round, type ThroughputBench } from "./accept.ts";
import { type GatewayBench, runGateway } from "./gateway.ts";
import { GATEWAY_SIZE, printGateway } from "./gateway-report.ts";
import type { LoadResult } from "./http-load.ts";
import { benchMap, printMap } from "./map.ts";
import { benchNearest, printNearest } from "./nearest.ts";
import { setUpStage } from "./stage.ts";

/**
 * `accept`: throughput of accepts; `flows`: the code's delay, and the old flow; `nearest`: the nearest free drivers;
 * `gateway`: sockets, positions, fan-out; `map`: frames of 50,000 drivers, and a browser on the platform that runs.
 */
const PARTS = ["accept", "flows", "nearest", "gateway", "map"] as const;
type Part = (typeof PARTS)[number];

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" }, rounds: { type: "string" } },
});
const only = PARTS.find((part) => part === values.only) ?? null;
if (values.only !== undefined && only === null) throw new Error(`--only is one of ${PARTS.join(", ")}`);
const wants = (part: Part) => only === null || only === part;
const SIZE = {
  ...(values.quick
    ? { rounds: 3, perRound: 2000, otpRate: 100, otpSeconds: 3 }
    : { rounds: 11, perRound: 2000, otpRate: 150, otpSeconds: 10 }),
  ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
};

const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const rate = (value: number) => `${Math.round(value).toLocaleString("en")}/s`;

const NAMES: Readonly<Record<keyof Round, string>> = {
  bare: "bare statement",
  engine: "engine, bare HTTP",
  http: "platform over HTTP",
  httpWithKey: "the same with a key",
};

function rowOf(name: string, { perSecond, latency, failed }: LoadResult, of: Round | null): string[] {
  const ratio = (reference: LoadResult | undefined) =>
    reference === undefined ? "" : (perSecond / reference.perSecond).toFixed(2);
  return [
    name,
    rate(perSecond),
    ms(latency.p50),
    ms(latency.p95),
    ms(latency.p99),
    ratio(of?.bare),
    ratio(of?.engine),
    String(failed),
  ];
}

function printTable(throughput: ThroughputBench | null, flows: FlowBench | null): void {
  const rows = [["accepts", "rate", "p50", "p95", "p99", "of the bare statement", "of the engine", "failed"]];
  for (const [i, round] of (throughput?.rounds ?? []).entries())
    for (const name of Object.keys(NAMES) as (keyof Round)[])
      rows.push(rowOf(`${NAMES[name]}, round ${i + 1}`, round[name], round));
  if (flows !== null) rows.push(rowOf("old flow (delays 1:10)", flows.naive, null));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    );
}

function printThroughput({ connections, rounds, medianRatio, lockStepMs, ...medians }: ThroughputBench): void {
  const spread = (name: "http" | "httpWithKey") => {
    const ratios = rounds.map((round) => round[name].perSecond / round.engine.perSecond);
    return `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  };
  console.log(
    `\nat ${connections} connections, which saturate the process: HTTP reaches ${medianRatio.toFixed(2)} of the bare statement, ${medians.medianOfEngine.toFixed(2)} (${spread("http")}) of the engine alone, ${medians.medianOfEngineWithKey.toFixed(2)} (${spread("httpWithKey")}) with an Idempotency-Key (medians); lock step there p50 ${ms(lockStepMs.p50)}, p99 ${ms(lockStepMs.p99)}`,
  );
}

function printFlows({ otpAtRate, doubleBooking }: FlowBench): void {
  console.log(
    `OTP recorded after the answer at ${otpAtRate.acceptsPerSecond} accepts/s, all roles in one process: p50 ${ms(otpAtRate.delayMs.p50)}, p95 ${ms(otpAtRate.delayMs.p95)} (${otpAtRate.recorded} of ${otpAtRate.trips}); lock step p50 ${ms(otpAtRate.lockStepMs.p50)}, p99 ${ms(otpAtRate.lockStepMs.p99)}`,
  );
  console.log(
    `200 drivers at one trip: told "yours" by the old flow ${doubleBooking.naiveWinners}, by the platform ${doubleBooking.ourWinners}`,
  );
}

const stage = await setUpStage();
try {
  const throughput = wants("accept") ? await benchThroughput(stage, SIZE) : null;
  const flows = wants("flows") ? await benchFlows(stage, SIZE) : null;
  if (throughput !== null || flows !== null) printTable(throughput, flows);
  if (throughput !== null) printThroughput(throughput);
  if (flows !== null) printFlows(flows);
  const nearest = wants("nearest") ? await benchNearest({ nearestMs: values.quick ? 1500 : 5000 }) : null;
  if (nearest !== null) printNearest(nearest);
  const gateway: GatewayBench | null = wants("gateway") ? await runGateway(stage, GATEWAY_SIZE(values.quick)) : null;
  if (gateway !== null) printGateway(gateway);
  const map = wants("map") ? await benchMap({ mapSeconds: values.quick ? 10 : 60 }) : null;
  if (map !== null) printMap(map);
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `bench-${new Date().toISOString().replaceAll(":", "-")}.json`);
  const accept = { ...throughput, ...flows };
  writeFileSync(
    file,
    `${JSON.stringify({ at: new Date().toISOString(), node: process.version, cpus: cpus().length, size: SIZE, accept, nearest, gateway, map }, null, 2)}\n`,
  );
  console.log(`\nJSON: ${file}`);
} finally {
  await stage.close();
}
