import { setTimeout as wait } from "node:timers/promises";
import { chromium } from "@playwright/test";
import { Redis } from "ioredis";
import pg from "pg";
import { seededRandom } from "#prisma/seed/places.ts";
import { CHROMIUM_FLAGS, findChromium } from "#scripts/services/chromium.ts";
import { findTarget, type Target } from "#scripts/services/running.ts";
import type { LiveDriver } from "#server/contracts/console.ts";
import type { FleetFrame, MapView } from "#server/contracts/fleet.ts";
import { newId } from "#server/contracts/ids.ts";
import { topics } from "#server/contracts/realtime.ts";
import { type FleetDriver, type FleetModel, FleetView } from "#server/domain/ops/fleet-view.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";
import { Turns } from "#server/platform/turns.ts";

const DRIVERS = 50_000;
/** Maps open in one process, each looking at a part of the city of its own. */
const WATCHERS = 5;
/** Share of them that has moved in a second: each sends a position every five. */
const MOVE_SHARE = 0.2;
const CITY = { lat: 30.05, lng: 31.24, spread: 0.16 } as const;
const VIEWS: readonly (readonly [name: string, view: MapView])[] = [
  ["the whole city", { zoom: 11, bounds: [31, 29.9, 31.5, 30.2] }],
  ["a district", { zoom: 13, bounds: [31.2, 30.03, 31.27, 30.07] }],
  ["some streets", { zoom: 15, bounds: [31.235, 30.045, 31.25, 30.055] }],
];

export interface MapBench {
  readonly views: readonly {
    readonly name: string;
    readonly shown: "clusters" | "singles";
    readonly firstBytes: number;
    readonly maxFrameBytes: number;
    readonly msPerSecond: number;
  }[];
  /** The most work in a row with which one process's watchers hold its event loop up, milliseconds: in turns, and without. */
  readonly watchers: { readonly inTurnsMs: number; readonly inARowMs: number };
  /** What one frame of all drivers, as JSON, is and costs: the naive way. */
  readonly naive: { readonly bytes: number; readonly ms: number };
  readonly browser: BrowserBench | null;
}
interface BrowserBench {
  readonly drivers: number;
  readonly phases: readonly { readonly name: string; readonly full: LongestTasks; readonly empty: LongestTasks }[];
  readonly maxFrameBytes: number;
}
/**
 * The longest tasks of the page's main thread, milliseconds: by the clock, and by the processor time they took. The clock includes waiting for
 * a processor or for the graphics; graphics made by software run on the same processors.
 */
interface LongestTasks {
  readonly wallMs: number;
  readonly workedMs: number;
}

function model(): { readonly model: FleetModel; readonly step: () => void } {
  const random = seededRandom(11);
  const place = (middle: number) => middle + (random() + random() - 1) * CITY.spread;
  const drivers = new Map<string, FleetDriver>();
  for (let n = 0; n < DRIVERS; n++) {
    const driver: LiveDriver = {
      ...{ id: newId(), name: `Driver ${n}`, phone: "+201200000000", plate: `ABC ${n}`, category: "economy" },
      ...{ lat: place(CITY.lat), lng: place(CITY.lng), heading: 90, speed: 8, tripId: null },
      ...{ state: n % 4 === 0 ? "on_trip" : "available", updatedAt: new Date().toISOString() },
    };
    drivers.set(driver.id, { driver, facts: 0, moved: 0 });
  }
  const ids = [...drivers.keys()];
  const fleet = { round: 0, at: "", drivers, trips: new Map() };
  let next = 0;
  return {
    model: fleet,
    step() {
      fleet.round++;
      fleet.at = new Date().toISOString();
      for (let n = 0; n < DRIVERS * MOVE_SHARE; n++) {
        const id = ids[next++ % DRIVERS] ?? "";
        const one = drivers.get(id);
        if (one === undefined) continue;
        const driver = { ...one.driver, lat: one.driver.lat + (random() - 0.5) * 0.0006, updatedAt: fleet.at };
        drivers.set(id, { driver, facts: one.facts, moved: fleet.round });
      }
    },
  };
}

const bytesOf = (frames: readonly FleetFrame[]) => frames.map((frame) => Buffer.byteLength(JSON.stringify(frame)));

function measureViews(seconds: number): Pick<MapBench, "views" | "naive"> {
  const fleet = model();
  const views = VIEWS.map(([name, view]) => {
    const map = new FleetView(view, null);
    const first = map.frames(fleet.model);
    const sizes = bytesOf(first);
    const firstBytes = sizes.reduce((sum, size) => sum + size, 0);
    let spent = 0;
    for (let second = 0; second < seconds; second++) {
      fleet.step();
      const began = performance.now();
      sizes.push(...bytesOf(map.frames(fleet.model)));
      spent += performance.now() - began;
    }
    const shown = (first[0]?.clusters?.length ?? 0) > 0 ? ("clusters" as const) : ("singles" as const);
    return { name, shown, firstBytes, maxFrameBytes: Math.max(...sizes), msPerSecond: spent / seconds };
  });
  const began = performance.now();
  const bytes = Buffer.byteLength(JSON.stringify(Array.from(fleet.model.drivers.values(), ({ driver }) => driver)));
  return { views, naive: { bytes, ms: performance.now() - began } };
}

/** What this thread has worked, milliseconds: whoever else uses the machine does not count. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The most work between two turns of the event loop while several maps are told of each second's news. */
async function measureWatchers(seconds: number, myTurn: () => Promise<void>): Promise<number> {
  const fleet = model();
  const maps = Array.from({ length: WATCHERS }, (_, n) => {
    const west = 31 + n * 0.02;
    return new FleetView({ zoom: 11 + n / 10, bounds: [west, 29.9, west + 0.4, 30.2] }, null);
  });
  const tell = () =>
    Promise.all(
      maps.map(async (map) => {
        await myTurn();
        bytesOf(map.frames(fleet.model));
      }),
    );
  let longest = 0;
  for (let second = 0; second < seconds; second++) {
    fleet.step();
    let told = false;
    const beat = (async () => {
      for (let before = workedMs(); !told; ) {
        await wait(1);
        longest = Math.max(longest, workedMs() - before);
        before = workedMs();
      }
    })();
    await wait(5);
    await tell();
    told = true;
    await beat;
  }
  return longest;
}

/** Every driver that is on line moves a little every five seconds, told over Redis as a gateway tells it. */
async function moveAll(target: Target, redisUrl: string): Promise<{ readonly drivers: number; stop(): void }> {
  const client = new pg.Client({ connectionString: target.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string; lat: number; lng: number }>(
    `SELECT l.user_id AS id, l.location[1] AS lat, l.location[0] AS lng
     FROM user_last_locations l JOIN driver_details d USING (user_id) WHERE d.is_online`,
  );
  await client.end();
  const redis = new Redis(redisUrl);
  const channel = redisKeys("").busChannel(topics.locations);
  let next = 0;
  const timer = setInterval(() => {
    const at = new Date().toISOString();
    const drivers = Array.from({ length: Math.ceil(rows.length / 20) }, () => {
      const row = rows[next++ % rows.length] as (typeof rows)[number];
      row.lat += (Math.random() - 0.5) * 0.0006;
      row.lng += (Math.random() - 0.5) * 0.0006;
      return { ...row, heading: Math.floor(Math.random() * 360), speed: 8, at };
    });
    redis.publish(channel, JSON.stringify({ origin: "bench", event: "moved", data: { drivers }, at }));
  }, 250);
  return {
    drivers: rows.length,
    stop() {
      clearInterval(timer);
      redis.disconnect();
    },
  };
}

/** The console's map on the platform that runs, with whoever is on line there; null when none runs, or no Chromium is here. */
async function measureBrowser(): Promise<BrowserBench | null> {
  let target: Target;
  try {
    target = findTarget();
  } catch {
    return null;
  }
  const found = await findChromium(() => undefined);
  if (found.kind !== "found" || target.redisUrl === null) return null;
  const moving = await moveAll(target, target.redisUrl);
  try {
    // Both while everybody moves: what that costs the machine is no part of the difference. The full map comes first and finds all cold.
    const full = await walkTheMap(found.path, target.baseUrl, "/map");
    const empty = await walkTheMap(found.path, target.baseUrl, "/map?category=nobody");
    const phases = Array.from(full.tasks, ([name, longest]) => {
      const without = empty.tasks.get(name);
      if (without === undefined) throw new Error(`The map without drivers was not measured while ${name}.`);
      return { name, full: longest, empty: without };
    });
    return { drivers: moving.drivers, phases, maxFrameBytes: full.maxFrameBytes };
  } finally {
    moving.stop();
  }
}

interface Walk {
  readonly tasks: ReadonlyMap<string, LongestTasks>;
  readonly maxFrameBytes: number;
}

async function walkTheMap(executablePath: string, baseUrl: string, path: string): Promise<Walk> {
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    let maxFrameBytes = 0;
    const devTools = await page.context().newCDPSession(page);
    await devTools.send("Network.enable");
    devTools.on("Network.eventSourceMessageReceived", ({ data }) => {
      maxFrameBytes = Math.max(maxFrameBytes, data.length);
    });
    const tasks = new Map<string, LongestTasks>();
    const during = async (name: string, act: () => Promise<void>) => {
      await browser.startTracing(page, { categories: ["toplevel"] });
      await act();
      tasks.set(name, longestTasks(await browser.stopTracing()));
    };
    await page.goto(`${baseUrl}/sign-in`);
    await page.getByLabel(/email/i).fill("admin@smartline.test");
    await page.getByLabel("Password", { exact: true }).fill("smartline-demo");
    await page.getByRole("button", { name: /sign in/i }).click();
    await page.waitForURL((url) => !url.pathname.includes("sign-in"));
    await during("opening", async () => {
      await page.goto(`${baseUrl}${path}`);
      await page.waitForTimeout(9000);
    });
    await during("frames coming in", () => page.waitForTimeout(15_000));
    await during("panning", async () => {
      for (let n = 0; n < 6; n++) {
        const way = n % 2 === 0 ? -1 : 1;
        await page.mouse.move(800, 500);
        await page.mouse.down();
        await page.mouse.move(800 + way * 200, 500 + way * 80, { steps: 8 });
        await page.mouse.up();
        await page.waitForTimeout(1200);
      }
    });
    await during("zooming in", async () => {
      for (let n = 0; n < 6; n++) {
        await page.mouse.move(600, 470);
        await page.mouse.wheel(0, -400);
        await page.waitForTimeout(1500);
      }
    });
    await during("single drivers moving", () => page.waitForTimeout(10_000));
    return { tasks, maxFrameBytes };
  } finally {
    await browser.close();
  }
}

/** From a trace of Chromium's: its times are microseconds, `dur` by the clock and `tdur` by the thread's own. */
function longestTasks(trace: Buffer): LongestTasks {
  type TraceEvent = { name: string; pid: number; tid: number; dur?: number; tdur?: number; args?: { name?: string } };
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`;
  const tasks = traceEvents.filter(({ name }) => name.endsWith("RunTask"));
  const mains = traceEvents
    .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
    .map((thread) => tasks.filter((task) => threadOf(task) === threadOf(thread)));
  // Chromium keeps a spare page and closes old ones: ours is the one that worked most.
  const sum = (of: TraceEvent[]) => of.reduce((total, { tdur = 0 }) => total + tdur, 0);
  const ours = mains.toSorted((a, b) => sum(b) - sum(a))[0] ?? [];
  if (sum(ours) === 0) throw new Error("The trace names no work of the page's main thread.");
  const longest = (of: (event: TraceEvent) => number | undefined) =>
    Math.round(ours.reduce((most, event) => Math.max(most, of(event) ?? 0), 0) / 1000);
  return { wallMs: longest(({ dur }) => dur), workedMs: longest(({ tdur }) => tdur) };
}

export async function benchMap(size: { readonly mapSeconds: number }): Promise<MapBench> {
  const turns = new Turns();
  const watchers = {
    inARowMs: await measureWatchers(size.mapSeconds, () => Promise.resolve()),
    inTurnsMs: await measureWatchers(size.mapSeconds, () => turns.next()),
  };
  return { ...measureViews(size.mapSeconds), watchers, browser: await measureBrowser() };
}

export function printMap({ views, watchers, naive, browser }: MapBench): void {
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  console.log(
    `\nthe map with ${DRIVERS.toLocaleString("en")} drivers, a fifth of whom moves each second; one map looking at`,
  );
  for (const { name, shown, firstBytes, maxFrameBytes, msPerSecond } of views)
    console.log(
      `  ${name} (${shown}): ${kib(firstBytes)} first, no frame above ${kib(maxFrameBytes)}, ${msPerSecond.toFixed(1)} ms a second to make them`,
    );
  console.log(
    `${WATCHERS} maps in one process: the event loop held up by ${watchers.inTurnsMs.toFixed(0)} ms of work at most, each in its turn; ${watchers.inARowMs.toFixed(0)} ms without turns`,
  );
  console.log(`all drivers in one frame: ${kib(naive.bytes)}, ${naive.ms.toFixed(0)} ms`);
  if (browser === null) {
    console.log(
      "no browser measured: start the platform (npm start), seed it (npm run seed -- --scenario load --drivers 50000)",
    );
    return;
  }
  console.log(
    `in Chromium with ${browser.drivers.toLocaleString("en")} drivers on line, largest frame ${kib(browser.maxFrameBytes)}; the longest task of the page's main thread, beside the same map without drivers:`,
  );
  for (const { name, full, empty } of browser.phases)
    console.log(
      `  ${name}: ${full.workedMs} ms of work (without ${empty.workedMs}), ${full.wallMs} ms by the clock (without ${empty.wallMs})`,
    );
}
