import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { findFreePort } from "#scripts/services/ports.ts";
import { newId } from "#server/contracts/ids.ts";
import { systemClock } from "#server/platform/clock.ts";
import { createLogger } from "#server/platform/logger.ts";
import { openRedis } from "#server/platform/redis.ts";
import { RedisBus } from "#server/platform/redis-bus.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { LoadOrder, LoadReport, Person } from "./gateway-protocol.ts";
import { type Latency, latencyOf } from "./http-load.ts";
import type { Stage } from "./stage.ts";

const LOADERS = 2;
const BURST = 20;
const SAMPLE_MS = 5000;

export interface GatewaySize {
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly pacedSeconds: number;
  readonly idle: number;
  readonly subscribers: number;
  readonly events: number;
}

/** What a gateway's process holds, in MiB. */
interface Memory {
  readonly rss: number;
  readonly heap: number;
}

/** Resident memory of a connection that says nothing, over the bare server's. KiB. */
interface Idle {
  readonly bare: number;
  readonly gateway: number;
  readonly over: number;
}

/** Positions through one server, from apps in other processes. */
export interface Intake {
  readonly sent: number;
  readonly perSecond: number;
  /** What the server counted, by outcome; the bare server only counts. */
  readonly counted: Readonly<Record<string, number>>;
  /** Sent and not counted. */
  readonly missing: number;
  readonly connectionsLost: number;
  /** Of the server alone: the apps share the machine with it, and their cost hides its own. */
  readonly cpuMicrosPerPosition: number;
  readonly errors: number;
  readonly rssMiBBefore: number;
  readonly rssMiBAfter: number;
}

export interface GatewayBench {
  readonly connections: number;
  readonly rounds: readonly { readonly bare: Intake; readonly throttled: Intake; readonly accepted: Intake }[];
  /** Of the bare server's rate; medians. */
  readonly ratioThrottled: number;
  readonly ratioAccepted: number;
  /** The bare server's processor time for a position, as a share of the gateway's; medians. */
  readonly cpuRatioThrottled: number;
  readonly cpuRatioAccepted: number;
  /** At 10,000 a second, every limit as shipped but the interval, all of them accepted. */
  readonly paced: Intake & {
    readonly storedPerSecond: number;
    /** Every few seconds, as it happens to be. */
    readonly memory: readonly Memory[];
    /** Before the load and after it, its connections open and all garbage collected. */
    readonly held: readonly Memory[];
  };
  readonly fanOutMs: Latency;
  /** All garbage collected in both servers: what a connection takes for as long as it lasts. */
  readonly idleKiB: Idle;
  /** With the garbage that opening the connections left behind. */
  readonly idleWithGarbageKiB: Idle;
}

interface Target {
  readonly port: number;
  collectGarbage(): Promise<void>;
  rss(): Promise<number>;
  cpuSeconds(): Promise<number>;
  counted(): Promise<Record<string, number>>;
  stop(): Promise<unknown>;
}

async function startBare(): Promise<Target> {
  const inspector = await findFreePort();
  const child = fork(join(import.meta.dirname, "bare-ws.ts"), {
    execArgv: [`--inspect=127.0.0.1:${inspector}`, "--inspect-publish-uid=http"],
    silent: true,
  });
  const port = await new Promise<number>((resolve) =>
    child.once("message", (message: { port: number }) => resolve(message.port)),
  );
  const read = async () =>
    (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as {
      rss: number;
      cpu: NodeJS.CpuUsage;
      positions: number;
    };
  return {
    port,
    collectGarbage: () => collectGarbage(inspector),
    rss: async () => (await read()).rss,
    async cpuSeconds() {
      const { user, system } = (await read()).cpu;
      return (user + system) / 1e6;
    },
    counted: async () => ({ positions: (await read()).positions }),
    stop: async () => void child.kill(),
  };
}

async function startGateway(stage: Stage, env: Readonly<Record<string, string>>): Promise<Target> {
  const inspector = await findFreePort();
  const NODE_OPTIONS = `--inspect=127.0.0.1:${inspector} --inspect-publish-uid=http`;
  const { port, child } = await stage.startServer("--roles=web,gateway", { ...env, NODE_OPTIONS });
  const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return {
    port,
    collectGarbage: () => collectGarbage(inspector),
    cpuSeconds: async () => Number(/^process_cpu_seconds_total (\S+)/m.exec(await metrics())?.[1]),
    rss: async () => Number(/^process_resident_memory_bytes (\S+)/m.exec(await metrics())?.[1]),
    counted: async () => {
      const lines = (await metrics()).matchAll(/^driver_locations_total\{outcome="(\w+)"\} (\S+)/gm);
      return Object.fromEntries([...lines].map(([, outcome = "", count]) => [outcome, Number(count)]));
    },
    stop: () => child.stop(),
  };
}

/** Apps in processes of their own. */
class Apps {
  readonly #children: ChildProcess[];

  private constructor(children: ChildProcess[]) {
    this.#children = children;
  }

  static async connect(port: number, people: readonly Person[], channel: string | null = null): Promise<Apps> {
    const children = Array.from({ length: LOADERS }, () => fork(join(import.meta.dirname, "gateway-load.ts")));
    const apps = new Apps(children);
    const share = Math.ceil(people.length / LOADERS);
    await apps.#ask("connected", (i) => ({
      kind: "connect",
      port,
      people: people.slice(i * share, (i + 1) * share),
      channel,
    }));
    return apps;
  }

  load(order: Extract<LoadOrder, { kind: "flood" | "pace" }>) {
    return this.#ask("sent", () => order);
  }

  heard() {
    return this.#ask("heard", () => null);
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      child.send({ kind: "close" } satisfies LoadOrder);
      await new Promise((resolve) => child.once("exit", resolve));
    }
  }

  #ask<K extends LoadReport["kind"]>(kind: K, order: (n: number) => LoadOrder | null) {
    return Promise.all(
      this.#children.map(
        (child, n) =>
          new Promise<Extract<LoadReport, { kind: K }>>((resolve, reject) => {
            const lost = (code: number | null) => reject(new Error(`a process of apps ended with ${code}`));
            child.once("exit", lost);
            child.on("message", function take(report: LoadReport) {
              if (report.kind !== kind) return;
              child.off("message", take);
              child.off("exit", lost);
              resolve(report as Extract<LoadReport, { kind: K }>);
            });
            const said = order(n);
            if (said !== null) child.send(said);
          }),
      ),
    );
  }
}

const sumOf = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);
const MIB = 1024 * 1024;
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const cpuShare = (bare: Intake, gateway: Intake) => bare.cpuMicrosPerPosition / gateway.cpuMicrosPerPosition;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(
  target: Target,
  people: readonly Person[],
  order: Extract<LoadOrder, { kind: "flood" | "pace" }>,
  atEdges: () => Promise<void> = async () => undefined,
): Promise<Intake> {
  const apps = await Apps.connect(target.port, people);
  // Warm, so that memory and machine code are what they stay.
  await apps.load({ ...order, seconds: Math.max(2, order.seconds / 4) });
  await pause(500);
  await atEdges();
  const [before, rssBefore] = [sumOf(await target.counted()), await target.rss()];
  const [countedBefore, cpuBefore] = [await target.counted(), await target.cpuSeconds()];
  const reports = await apps.load(order);
  await pause(500);
  const [after, rssAfter, cpuAfter] = [await target.counted(), await target.rss(), await target.cpuSeconds()];
  await atEdges();
  await apps.close();
  const sent = reports.reduce((sum, { positions }) => sum + positions, 0);
  return {
    sent,
    perSecond: sent / Math.max(...reports.map(({ seconds }) => seconds)),
    counted: Object.fromEntries(Object.entries(after).map(([name, n]) => [name, n - (countedBefore[name] ?? 0)])),
    missing: sent - (sumOf(after) - before),
    cpuMicrosPerPosition: ((cpuAfter - cpuBefore) * 1e6) / sent,
    connectionsLost: reports.reduce((sum, { lost }) => sum + lost, 0),
    errors: reports.reduce((sum, { errors }) => sum + errors, 0),
    rssMiBBefore: rssBefore / MIB,
    rssMiBAfter: rssAfter / MIB,
  };
}

/** Seeded drivers with tokens. */
async function makePeople(stage: Stage, count: number): Promise<Person[]> {
  const ids = Array.from({ length: count }, newId);
  await stage.pool.query(
    `INSERT INTO users (id, first_name, last_name, phone, user_type)
     SELECT id, 'Bench', 'Driver', 'g' || id, 'driver' FROM unnest($1::uuid[]) AS d(id)`,
    [ids],
  );
  await stage.pool.query(
    "INSERT INTO driver_details (user_id, is_online, availability_status) SELECT id, true, 'available' FROM unnest($1::uuid[]) AS d(id)",
    [ids],
  );
  await stage.pool.query("VACUUM ANALYZE");
  return Promise.all(
    ids.map(async (id) => ({
      id,
      token: await stage.tokens.issue({ id, type: "driver", role: null, name: "", tokenVersion: 0 }),
    })),
  );
}

/** Limits of one person are far below what a flood of few people sends; they are on in the paced run. */
const FLOOD = { NODE_ENV: "development", RATE_LIMITS: "off" };

async function flood(target: Target, people: readonly Person[], seconds: number): Promise<Intake> {
  const result = await measure(target, people, { kind: "flood", seconds, burst: BURST });
  await target.stop();
  return result;
}

async function readMemory(port: number): Promise<Memory> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const mib = (name: string) => Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]) / MIB;
  return { rss: mib("process_resident_memory_bytes"), heap: mib("nodejs_heap_size_used_bytes") };
}

/** 10,000 a second, each accepted and stored: 6,000 drivers at their limit of 100 a minute. */
async function measurePaced(stage: Stage, seconds: number) {
  const people = await makePeople(stage, 6000);
  const target = await startGateway(stage, { LOCATION_INTERVAL_MS: "100" });
  const writes = async () =>
    Number(
      (
        await stage.pool.query(
          "SELECT n_tup_ins + n_tup_upd AS n FROM pg_stat_user_tables WHERE relname = 'user_last_locations'",
        )
      ).rows[0]?.n ?? 0,
    );
  await pause(1500);
  const [before, started] = [await writes(), performance.now()];
  const memory: Memory[] = [];
  const sampling = setInterval(async () => memory.push(await readMemory(target.port)), SAMPLE_MS);
  const held: Memory[] = [];
  const intake = await measure(target, people, { kind: "pace", seconds, everyMs: 600 }, async () => {
    await target.collectGarbage();
    held.push(await readMemory(target.port));
  });
  await pause(1500);
  clearInterval(sampling);
  const storedPerSecond = ((await writes()) - before) / ((performance.now() - started) / 1000);
  await target.stop();
  return { ...intake, storedPerSecond, memory, held };
}

/** Another process of the platform, as a worker is. */
async function openPublisher({ redisUrl }: Stage) {
  if (redisUrl === null) throw new Error("fan-out over processes is through Redis, and there is none");
  const logger = createLogger("warn");
  const redis = openRedis(redisUrl, logger);
  const bus = new RedisBus({ clock: systemClock, redis, keys: redisKeys(""), logger });
  while (!redis.isReady() || redis.subscriber.status !== "ready") await pause(20);
  return {
    publish: (channel: string, event: string, data: unknown) => bus.publish(channel, event, data),
    async close() {
      bus.close();
      await redis.close();
    },
  };
}

async function measureFanOut(stage: Stage, people: readonly Person[], events: number): Promise<Latency> {
  const target = await startGateway(stage, {});
  const apps = await Apps.connect(target.port, people, "drivers_channel");
  const publisher = await openPublisher(stage);
  const times: number[] = [];
  for (let n = 0; n < events; n++) {
    const heard = apps.heard();
    const sent = Date.now();
    publisher.publish("drivers_channel", "bench", { n });
    for (const { at } of await heard) times.push(...at.map((time) => time - sent));
    await pause(50);
  }
  await publisher.close();
  await apps.close();
  await target.stop();
  return latencyOf(times);
}

/** Resident memory of a connection, in KiB: with the garbage of its opening, and without any. */
async function measureIdle(target: Target, people: readonly Person[]) {
  const warm = await Apps.connect(target.port, people.slice(0, 200));
  await pause(2000);
  await target.collectGarbage();
  const before = await target.rss();
  const apps = await Apps.connect(target.port, people.slice(200));
  await pause(5000);
  const after = await target.rss();
  await target.collectGarbage();
  await pause(1000);
  const collected = await target.rss();
  await apps.close();
  await warm.close();
  await target.stop();
  const each = (rss: number) => (rss - before) / 1024 / (people.length - 200);
  return { withGarbage: each(after), held: each(collected) };
}

export async function runGateway(stage: Stage, size: GatewaySize): Promise<GatewayBench> {
  const people = await makePeople(stage, Math.max(size.connections, size.idle, size.subscribers));
  const some = people.slice(0, size.connections);
  const rounds: GatewayBench["rounds"][number][] = [];
  for (let n = 0; n < size.rounds; n++)
    rounds.push({
      bare: await flood(await startBare(), some, size.seconds),
      throttled: await flood(await startGateway(stage, FLOOD), some, size.seconds),
      accepted: await flood(await startGateway(stage, { ...FLOOD, LOCATION_INTERVAL_MS: "0" }), some, size.seconds),
    });
  const paced = await measurePaced(stage, size.pacedSeconds);
  const fanOutMs = await measureFanOut(stage, people.slice(0, size.subscribers), size.events);
  const idle = people.slice(0, size.idle);
  const bare = await measureIdle(await startBare(), idle);
  const gateway = await measureIdle(await startGateway(stage, {}), idle);
  const idleOf = (name: keyof typeof bare): Idle => ({
    bare: bare[name],
    gateway: gateway[name],
    over: gateway[name] - bare[name],
  });
  return {
    connections: size.connections,
    rounds,
    ratioThrottled: median(rounds.map(({ throttled, bare: reference }) => throttled.perSecond / reference.perSecond)),
    ratioAccepted: median(rounds.map(({ accepted, bare: reference }) => accepted.perSecond / reference.perSecond)),
    cpuRatioThrottled: median(rounds.map(({ bare: reference, throttled }) => cpuShare(reference, throttled))),
    cpuRatioAccepted: median(rounds.map(({ bare: reference, accepted }) => cpuShare(reference, accepted))),
    paced,
    fanOutMs,
    idleKiB: idleOf("held"),
    idleWithGarbageKiB: idleOf("withGarbage"),
  };
}
