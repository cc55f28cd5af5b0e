import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Every metric of the platform, by name, in one place. Durations in seconds, as Prometheus has it. */
export interface Metrics {
  readonly registry: Registry;
  readonly tripLock: Histogram<"backend" | "outcome">;
  readonly tripAccept: Histogram<"verdict">;
  readonly acceptGroupRows: Histogram;
  readonly acceptRetries: Counter;
  readonly outboxLag: Histogram<"topic">;
  readonly outboxBacklog: Gauge;
  readonly queueDepth: Gauge<"queue" | "state">;
  readonly jobDuration: Histogram<"job" | "outcome">;
  readonly jobsStalledOut: Counter<"queue">;
  readonly httpRequest: Histogram<"method" | "route" | "status">;
  readonly sockets: Gauge<"role">;
  readonly locations: Counter<"outcome">;
  readonly driverSearches: Counter<"source">;
  readonly driverIndexBuild: Histogram;
  readonly providerCalls: Counter<"provider" | "outcome">;
  readonly redisUp: Gauge;
  readonly limitDecisions: Counter<"scope" | "outcome">;
  readonly webhooks: Counter<"gateway" | "outcome">;
}

const FAST = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const SLOW = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];

/** A registry of its own for each context, so that two contexts in one test process do not collide. */
export function createMetrics(options: { processMetrics: boolean }): Metrics {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    tripLock: new Histogram({
      name: "trip_lock_seconds",
      help: "Time to acquire or be refused a trip's lock",
      labelNames: ["backend", "outcome"],
      buckets: FAST,
      registers,
    }),
    tripAccept: new Histogram({
      name: "trip_accept_seconds",
      help: "Time from an accept's arrival at the engine to its verdict",
      labelNames: ["verdict"],
      buckets: FAST,
      registers,
    }),
    acceptGroupRows: new Histogram({
      name: "trip_accept_group_rows",
      help: "Accepts that shared one statement",
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    }),
    acceptRetries: new Counter({
      name: "trip_accept_retries_total",
      help: "Assignment statements repeated after a deadlock or serialisation failure",
      registers,
    }),
    outboxLag: new Histogram({
      name: "outbox_lag_seconds",
      help: "Time from an outbox row's commit to its job's publication",
      labelNames: ["topic"],
      buckets: SLOW,
      registers,
    }),
    outboxBacklog: new Gauge({ name: "outbox_backlog", help: "Outbox rows not yet published", registers }),
    queueDepth: new Gauge({
      name: "queue_depth",
      help: "Jobs by queue and state",
      labelNames: ["queue", "state"],
      registers,
    }),
    jobDuration: new Histogram({
      name: "job_duration_seconds",
      help: "Time a job's handler took",
      labelNames: ["job", "outcome"],
      buckets: SLOW,
      registers,
    }),
    jobsStalledOut: new Counter({
      name: "jobs_stalled_out_total",
      help: "Jobs failed because their worker was lost twice",
      labelNames: ["queue"],
      registers,
    }),
    httpRequest: new Histogram({
      name: "http_request_seconds",
      help: "HTTP requests by route",
      labelNames: ["method", "route", "status"],
      buckets: FAST,
      registers,
    }),
    sockets: new Gauge({
      name: "websocket_connections",
      help: "Open WebSocket connections",
      labelNames: ["role"],
      registers,
    }),
    locations: new Counter({
      name: "driver_locations_total",
      help: "Location updates by outcome",
      labelNames: ["outcome"],
      registers,
    }),
    webhooks: new Counter({
      name: "webhook_deliveries_total",
      help: "Deliveries of payment gateways: received, duplicate, or why they were refused",
      labelNames: ["gateway", "outcome"],
      registers,
    }),
    driverSearches: new Counter({
      name: "driver_searches_total",
      help: "Searches for the nearest free drivers, by the store that answered",
      labelNames: ["source"],
      registers,
    }),
    driverIndexBuild: new Histogram({
      name: "driver_index_build_seconds",
      help: "Time to build the index of free drivers whole from the database",
      buckets: SLOW,
      registers,
    }),
    providerCalls: new Counter({
      name: "provider_calls_total",
      help: "Calls to outside providers",
      labelNames: ["provider", "outcome"],
      registers,
    }),
    limitDecisions: new Counter({
      name: "rate_limit_decisions_total",
      help: "Calls by limit and what it said: counted, refused, repeat (a retry), unavailable (it could not be counted)",
      labelNames: ["scope", "outcome"],
      registers,
    }),
    redisUp: new Gauge({
      name: "redis_up",
      help: "1 while Redis answers, 0 while the platform runs without it",
      registers,
    }),
  };
}
