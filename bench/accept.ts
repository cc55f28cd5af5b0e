import type pg from "pg";
import { runBareStatement } from "./bare-statement.ts";
import { type Latency, type LoadRequest, type LoadResult, latencyOf, runLoad } from "./http-load.ts";
import { startNaiveServer } from "./naive-flow.ts";
import { makePairs, type Pair, type Stage } from "./stage.ts";

const CONNECTIONS = 32;
/** Positions go to the database in batches; what is measured begins after the last. */
const POSITIONS_WRITTEN_MS = 3000;

/** What accepts cost, beside the bare statement and the engine behind a bare HTTP server. */
export interface ThroughputBench {
  readonly connections: number;
  /** Each figure of the platform with the reference measured right before and right after it. */
  readonly rounds: readonly Round[];
  /** Of the bare statement's rate, over HTTP. */
  readonly medianRatio: number;
  /** Of the rate of the engine behind a bare HTTP server: what token, limit, validation and schemas cost. */
  readonly medianOfEngine: number;
  /** The same, each accept with an Idempotency-Key. */
  readonly medianOfEngineWithKey: number;
  readonly lockStepMs: Latency;
}

/** The old flow beside ours, and what follows an accept. */
export interface FlowBench {
  readonly naive: LoadResult;
  /** 200 drivers on one trip: how many were told that they have it. */
  readonly doubleBooking: { readonly naiveWinners: number; readonly ourWinners: number };
  readonly otpAtRate: {
    readonly acceptsPerSecond: number;
    readonly trips: number;
    readonly recorded: number;
    readonly delayMs: Latency;
    readonly lockStepMs: Latency;
  };
}

export interface Round {
  readonly bare: LoadResult;
  readonly engine: LoadResult;
  readonly http: LoadResult;
  readonly httpWithKey: LoadResult;
}

async function acceptRequests(stage: Stage, pairs: readonly Pair[], withKey = false): Promise<LoadRequest[]> {
  const requests: LoadRequest[] = [];
  for (const { tripId, driverId } of pairs) {
    const token = await stage.tokens.issue({ id: driverId, type: "driver", role: null, name: "", tokenVersion: 0 });
    const request: LoadRequest = { method: "POST", path: `/api/v1/trips/${tripId}/accept`, token, body: "{}" };
    requests.push(withKey ? { ...request, idempotencyKey: tripId } : request);
  }
  return requests;
}

/** For servers that ask no questions: the old flow, and the engine alone. */
const bareRequests = (pairs: readonly Pair[]): LoadRequest[] =>
  pairs.map(({ tripId, driverId }) => ({ method: "POST", path: `/accept/${tripId}/${driverId}` }));

/** As apps do before they accept anything: their positions come in, so their tokens are known to the server. */
async function sendPositions(port: number, accepts: readonly LoadRequest[]): Promise<void> {
  const body = JSON.stringify({ lat: 30.0444, lng: 31.2357 });
  await runLoad(
    port,
    accepts.map(({ token = "" }) => ({ method: "POST", path: "/api/v1/location", token, body })),
    CONNECTIONS,
  );
}

/** p99 and friends from the attempts that the engine itself recorded. */
async function readLockSteps(pool: pg.Pool): Promise<Latency> {
  const { rows } = await pool.query<{ ms: number }>(
    "SELECT (data->>'lockMs')::float8 AS ms FROM trip_events WHERE kind = 'accept.attempt'",
  );
  return latencyOf(rows.map((row) => row.ms));
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/**
 * Web role alone: the accept path. Each round measures all four, one after another, beginning with another one each time:
 * what a shared machine does meanwhile falls on each of them. The ratio of each round, and the middle one.
 */
export async function benchThroughput(
  stage: Stage,
  { rounds: count, perRound }: { readonly rounds: number; readonly perRound: number },
): Promise<ThroughputBench> {
  const [platform, engine] = [await stage.startServer("--roles=web"), await stage.startServer("engine alone")];
  await runLoad(platform.port, await acceptRequests(stage, await makePairs(stage.pool, 2000)), CONNECTIONS);
  await runLoad(engine.port, bareRequests(await makePairs(stage.pool, 2000)), CONNECTIONS);
  await stage.pool.query("TRUNCATE trip_events");
  const rounds: Round[] = [];
  for (let n = 0; n < count; n++) {
    const [forBare, forEngine, forHttp, forKeys] = [
      await makePairs(stage.pool, perRound),
      bareRequests(await makePairs(stage.pool, perRound)),
      await acceptRequests(stage, await makePairs(stage.pool, perRound)),
      await acceptRequests(stage, await makePairs(stage.pool, perRound), true),
    ];
    await sendPositions(platform.port, [...forHttp, ...forKeys]);
    await new Promise((resolve) => setTimeout(resolve, POSITIONS_WRITTEN_MS));
    const steps: readonly (readonly [keyof Round, () => Promise<LoadResult>])[] = [
      ["bare", () => runBareStatement(stage.databaseUrl, forBare, CONNECTIONS)],
      ["engine", () => runLoad(engine.port, forEngine, CONNECTIONS)],
      ["http", () => runLoad(platform.port, forHttp, CONNECTIONS)],
      ["httpWithKey", () => runLoad(platform.port, forKeys, CONNECTIONS)],
    ];
    const round: Partial<Record<keyof Round, LoadResult>> = {};
    for (const [name, measure] of [...steps.slice(n % steps.length), ...steps.slice(0, n % steps.length)])
      round[name] = await measure();
    rounds.push(round as Round);
  }
  await Promise.all([platform.child.stop(), engine.child.stop()]);
  return {
    connections: CONNECTIONS,
    rounds,
    medianRatio: median(rounds.map(({ http, bare }) => http.perSecond / bare.perSecond)),
    medianOfEngine: median(rounds.map(({ http, engine }) => http.perSecond / engine.perSecond)),
    medianOfEngineWithKey: median(rounds.map(({ httpWithKey, engine }) => httpWithKey.perSecond / engine.perSecond)),
    lockStepMs: await readLockSteps(stage.pool),
  };
}

/** All roles in one process at a steady rate: from the answer (locked_at) to the OTP in the recorder. */
async function measureOtp(stage: Stage, acceptsPerSecond: number, seconds: number) {
  await stage.pool.query("UPDATE outbox SET published_at = now(), completed_at = now() WHERE completed_at IS NULL");
  await stage.pool.query("TRUNCATE recorded_messages, effects, trip_events");
  const { port, child } = await stage.startServer("--roles=web,gateway,worker");
  const pairs = await makePairs(stage.pool, acceptsPerSecond * seconds);
  const requests = await acceptRequests(stage, pairs);
  for (let second = 0; second < seconds; second++) {
    const due = performance.now() + 1000;
    const slice = requests.slice(second * acceptsPerSecond, (second + 1) * acceptsPerSecond);
    const tenths = Math.ceil(slice.length / 10);
    for (let i = 0; i < slice.length; i += tenths) {
      const started = performance.now();
      await runLoad(port, slice.slice(i, i + tenths), 8);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, 100 - (performance.now() - started))));
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
  const ids = pairs.map((pair) => pair.tripId);
  const deadline = Date.now() + 60_000;
  let delays: number[] = [];
  while (delays.length < ids.length && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { rows } = await stage.pool.query<{ ms: number }>(
      `SELECT EXTRACT(EPOCH FROM m.created_at - t.locked_at)::float8 * 1000 AS ms
       FROM trip_requests t JOIN recorded_messages m ON m.trip_id = t.id AND m.dedupe_key LIKE 'otp.push:%' WHERE t.id = ANY($1::uuid[])`,
      [ids],
    );
    delays = rows.map((row) => row.ms);
  }
  await child.stop();
  return {
    acceptsPerSecond,
    trips: ids.length,
    recorded: delays.length,
    delayMs: latencyOf(delays),
    lockStepMs: await readLockSteps(stage.pool),
  };
}

/** 200 drivers at one trip, all at once: how many are told 200. */
async function measureDoubleBooking(stage: Stage) {
  const drivers = 200;
  const contend = async (port: number, toRequest: (tripId: string, pair: Pair) => Promise<LoadRequest>) => {
    const pairs = await makePairs(stage.pool, drivers);
    const tripId = pairs[0]?.tripId ?? "";
    const requests = await Promise.all(pairs.map((pair) => toRequest(tripId, pair)));
    return (await runLoad(port, requests, drivers)).statuses["200"] ?? 0;
  };
  const naive = await startNaiveServer(stage.databaseUrl);
  const naiveWinners = await contend(naive.port, async (tripId, { driverId }) => ({
    method: "POST",
    path: `/accept/${tripId}/${driverId}`,
  }));
  await naive.stop();
  const ours = await stage.startServer("--roles=web");
  const ourWinners = await contend(
    ours.port,
    async (tripId, { driverId }) => (await acceptRequests(stage, [{ tripId, driverId }]))[0] as LoadRequest,
  );
  await ours.child.stop();
  return { naiveWinners, ourWinners };
}

async function measureNaive(stage: Stage, count: number): Promise<LoadResult> {
  const naive = await startNaiveServer(stage.databaseUrl);
  const pairs = await makePairs(stage.pool, count);
  const result = await runLoad(naive.port, bareRequests(pairs), CONNECTIONS);
  await naive.stop();
  return result;
}

export async function benchFlows(
  stage: Stage,
  size: { readonly otpRate: number; readonly otpSeconds: number },
): Promise<FlowBench> {
  const otpAtRate = await measureOtp(stage, size.otpRate, size.otpSeconds);
  const naive = await measureNaive(stage, 500);
  const doubleBooking = await measureDoubleBooking(stage);
  return { otpAtRate, naive, doubleBooking };
}
