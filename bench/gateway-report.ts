import type { GatewayBench, GatewaySize, Intake } from "./gateway.ts";

export const GATEWAY_SIZE = (quick: boolean): GatewaySize =>
  quick
    ? { connections: 2000, seconds: 6, rounds: 1, pacedSeconds: 15, idle: 2200, subscribers: 1000, events: 20 }
    : { connections: 2000, seconds: 10, rounds: 3, pacedSeconds: 60, idle: 4200, subscribers: 1000, events: 50 };

const count = (value: number) => Math.round(value).toLocaleString("en");

function lineOf(name: string, intake: Intake, bare: Intake | null): string {
  const outcomes = Object.entries(intake.counted)
    .filter(([, n]) => n > 0)
    .map(([outcome, n]) => `${outcome} ${count(n)}`)
    .join(", ");
  const ratio = bare === null ? "" : ` = ${(intake.perSecond / bare.perSecond).toFixed(2)} of bare`;
  return `${name}: ${count(intake.perSecond)}/s${ratio}; sent ${count(intake.sent)}: ${outcomes}; missing ${intake.missing}, connections lost ${intake.connectionsLost}, errors ${intake.errors}; RSS ${intake.rssMiBBefore.toFixed(0)} → ${intake.rssMiBAfter.toFixed(0)} MiB; CPU ${intake.cpuMicrosPerPosition.toFixed(1)} µs a position`;
}

export function printGateway(bench: GatewayBench): void {
  console.log(`\ngateway: positions of ${bench.connections} connections, each sending as fast as it is answered`);
  for (const [i, { bare, throttled, accepted }] of bench.rounds.entries()) {
    console.log(`round ${i + 1}`);
    console.log(lineOf("  bare ws, JSON.parse", bare, null));
    console.log(lineOf("  gateway, throttled as shipped", throttled, bare));
    console.log(lineOf("  gateway, all accepted and stored", accepted, bare));
  }
  console.log(
    `medians: ${bench.ratioThrottled.toFixed(2)} throttled, ${bench.ratioAccepted.toFixed(2)} all accepted, of the bare server's rate; by processor time ${bench.cpuRatioThrottled.toFixed(2)} and ${bench.cpuRatioAccepted.toFixed(2)}`,
  );
  console.log(
    `${lineOf("6,000 drivers at 100 a minute each, limits on", bench.paced, null)}; ${count(bench.paced.storedPerSecond)} rows/s stored`,
  );
  const samples = bench.paced.memory.map(({ rss, heap }) => `${rss.toFixed(0)}/${heap.toFixed(0)}`).join(" ");
  console.log(`  its memory every 5 s, RSS/heap in MiB: ${samples}`);
  const [before, after] = bench.paced.held.map(({ rss, heap }) => `${rss.toFixed(0)}/${heap.toFixed(0)}`);
  console.log(`  all garbage collected, before the load ${before}, after it ${after}`);
  const { fanOutMs, idleKiB, idleWithGarbageKiB } = bench;
  console.log(
    `fan-out of one event to all subscribers, published by another process: p50 ${fanOutMs.p50.toFixed(0)} ms, p95 ${fanOutMs.p95.toFixed(0)} ms, max ${fanOutMs.max.toFixed(0)} ms`,
  );
  console.log(
    `an idle connection: ${idleLine(idleKiB)}; with the garbage of its opening ${idleLine(idleWithGarbageKiB)}`,
  );
}

const idleLine = ({ gateway, bare, over }: GatewayBench["idleKiB"]) =>
  `${gateway.toFixed(1)} KiB, bare server ${bare.toFixed(1)}: ${over.toFixed(1)} over`;
