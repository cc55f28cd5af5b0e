/** `npm run bench [-- --quick] [--only=gateway]`: each figure beside a reference measured in the same run. A table, and JSON in bench/results/. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type AcceptBench, benchAccept } from "./accept.ts";
import { type GatewayBench, runGateway } from "./gateway.ts";
import { GATEWAY_SIZE, printGateway } from "./gateway-report.ts";
import { setUpStage } from "./stage.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, only: { type: "string" } } });
const wants = (part: "accept" | "gateway") => values.only === undefined || values.only === part;
const SIZE = values.quick
  ? { rounds: 1, perRound: 3000, otpRate: 100, otpSeconds: 3 }
  : { rounds: 5, perRound: 8000, otpRate: 150, otpSeconds: 10 };

const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const rate = (value: number) => `${Math.round(value).toLocaleString("en")}/s`;

function printAccept(bench: AcceptBench): void {
  const rows: string[][] = [["accepts", "rate", "p50", "p95", "p99", "of the bare statement", "failed"]];
  for (const [i, { bare, engine, http, httpWithKey }] of bench.rounds.entries()) {
    const line = (name: string, r: typeof bare) => [
      `${name}, round ${i + 1}`,
      rate(r.perSecond),
      ms(r.latency.p50),
      ms(r.latency.p95),
      ms(r.latency.p99),
      (r.perSecond / bare.perSecond).toFixed(2),
      String(r.failed),
    ];
    rows.push(
      line("bare statement", bare),
      line("engine, bare HTTP", engine),
      line("platform over HTTP", http),
      line("the same with a key", httpWithKey),
    );
  }
  const { naive } = bench;
  rows.push([
    "old flow (delays 1:10)",
    rate(naive.perSecond),
    ms(naive.latency.p50),
    ms(naive.latency.p95),
    ms(naive.latency.p99),
    "",
    String(naive.failed),
  ]);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    );
  const { otpAtRate, doubleBooking, lockStepMs } = bench;
  console.log(
    `\nat ${bench.connections} connections, which saturate the process: HTTP reaches ${bench.medianRatio.toFixed(2)} of the bare statement, ${bench.medianOfEngine.toFixed(2)} of the engine alone, ${bench.medianOfEngineWithKey.toFixed(2)} with an Idempotency-Key (medians); lock step there p50 ${ms(lockStepMs.p50)}, p99 ${ms(lockStepMs.p99)}`,
  );
  console.log(
    `OTP recorded after the answer at ${otpAtRate.acceptsPerSecond} accepts/s, all roles in one process: p50 ${ms(otpAtRate.delayMs.p50)}, p95 ${ms(otpAtRate.delayMs.p95)} (${otpAtRate.recorded} of ${otpAtRate.trips}); lock step p50 ${ms(otpAtRate.lockStepMs.p50)}, p99 ${ms(otpAtRate.lockStepMs.p99)}`,
  );
  console.log(
    `200 drivers at one trip: told "yours" by the old flow ${doubleBooking.naiveWinners}, by the platform ${doubleBooking.ourWinners}`,
  );
}

const stage = await setUpStage();
try {
  const accept = wants("accept") ? await benchAccept(stage, SIZE) : null;
  if (accept !== null) printAccept(accept);
  const gateway: GatewayBench | null = wants("gateway") ? await runGateway(stage, GATEWAY_SIZE(values.quick)) : null;
  if (gateway !== null) printGateway(gateway);
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `bench-${new Date().toISOString().replaceAll(":", "-")}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ at: new Date().toISOString(), node: process.version, cpus: cpus().length, size: SIZE, accept, gateway }, null, 2)}\n`,
  );
  console.log(`\nJSON: ${file}`);
} finally {
  await stage.close();
}
