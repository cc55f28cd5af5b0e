import type { Config } from "#server/config/env.ts";
import type { Gateway } from "#server/contracts/payments.ts";
import { AlertService } from "#server/domain/alerts/alert-service.ts";
import { AssignmentService } from "#server/domain/assignment/assignment-service.ts";
import { type AcceptRequest, AssignmentStore } from "#server/domain/assignment/assignment-store.ts";
import { ManualAssignment } from "#server/domain/assignment/manual-assignment.ts";
import { BidService } from "#server/domain/bidding/bid-service.ts";
import { ConductService } from "#server/domain/conduct/conduct-service.ts";
import { DriverService } from "#server/domain/drivers/driver-service.ts";
import { LocationHistory } from "#server/domain/drivers/location-history.ts";
import { LocationService } from "#server/domain/drivers/location-service.ts";
import { MovementWatch } from "#server/domain/drivers/movement-watch.ts";
import { Effects } from "#server/domain/effects/effects.ts";
import { FareService } from "#server/domain/fares/fare-service.ts";
import { Quotes } from "#server/domain/fares/quotes.ts";
import { IdempotencyService } from "#server/domain/idempotency/idempotency-service.ts";
import { AccessDirectory } from "#server/domain/identity/access-directory.ts";
import { CAPTCHA_VERIFY_URLS, type Captcha, createCaptcha } from "#server/domain/identity/captcha.ts";
import { IdentityService } from "#server/domain/identity/identity-service.ts";
import { OneTimeCodes } from "#server/domain/identity/one-time-codes.ts";
import { type PasswordHashing, passwordHashing } from "#server/domain/identity/passwords.ts";
import { PeopleService } from "#server/domain/identity/people-service.ts";
import { RegistrationService } from "#server/domain/identity/registration-service.ts";
import { RevocationList } from "#server/domain/identity/revocation-list.ts";
import { RoleService } from "#server/domain/identity/role-service.ts";
import { SecondFactor } from "#server/domain/identity/second-factor.ts";
import { SessionService } from "#server/domain/identity/session-service.ts";
import { SignInGuard } from "#server/domain/identity/sign-in-guard.ts";
import { Tokens } from "#server/domain/identity/tokens.ts";
import { LimitService } from "#server/domain/limits/limit-service.ts";
import { ViolationLog } from "#server/domain/limits/violation-log.ts";
import { DispatchService } from "#server/domain/matching/dispatch-service.ts";
import { PostgresDriverIndex } from "#server/domain/matching/driver-index-store.ts";
import { DriverIndexSync } from "#server/domain/matching/driver-index-sync.ts";
import { MatchingSettingsService } from "#server/domain/matching/matching-settings.ts";
import { OfferViewers } from "#server/domain/matching/offer-viewers.ts";
import { SearchExplainer } from "#server/domain/matching/search-explainer.ts";
import { createFcm } from "#server/domain/notifications/fcm.ts";
import type { PushProvider, SmsProvider } from "#server/domain/notifications/message-providers.ts";
import { NotificationService } from "#server/domain/notifications/notification-service.ts";
import { createRecorder } from "#server/domain/notifications/recorder.ts";
import { createSmsHttp } from "#server/domain/notifications/sms-http.ts";
import { JobService } from "#server/domain/ops/job-service.ts";
import { LiveMap } from "#server/domain/ops/live-map.ts";
import { LockService } from "#server/domain/ops/lock-service.ts";
import { PaymentEvents } from "#server/domain/payments/payment-events.ts";
import { createPaymentLookup } from "#server/domain/payments/payment-lookup.ts";
import { WebhookService } from "#server/domain/payments/webhook-service.ts";
import { createWebhooks, type GatewayWebhooks } from "#server/domain/payments/webhooks/gateways.ts";
import {
  createPemFetcher,
  createSigningKeys,
  type FetchPem,
} from "#server/domain/payments/webhooks/sns-certificate.ts";
import { PresenceService } from "#server/domain/presence/presence-service.ts";
import { ReviewService } from "#server/domain/reviews/review-service.ts";
import { SettingsService } from "#server/domain/settings/settings-service.ts";
import { SigningService } from "#server/domain/signing/signing-service.ts";
import { SurgeService } from "#server/domain/surge/surge-service.ts";
import { DemandGate } from "#server/domain/trips/demand-gate.ts";
import { TripEventLog } from "#server/domain/trips/trip-event-log.ts";
import { TripService } from "#server/domain/trips/trip-service.ts";
import { ZoneService } from "#server/domain/zones/zone-service.ts";
import { type EventBus, LocalBus } from "#server/platform/bus.ts";
import { Cipher, derivedKey } from "#server/platform/cipher.ts";
import { type Clock, systemClock } from "#server/platform/clock.ts";
import { type Database, openDatabase } from "#server/platform/db.ts";
import type { DriverIndex } from "#server/platform/driver-index/driver-index.ts";
import { FallbackDriverIndex } from "#server/platform/driver-index/fallback-driver-index.ts";
import { RedisDriverIndex } from "#server/platform/driver-index/redis-driver-index.ts";
import type { ExpiringSets } from "#server/platform/expiring-sets/expiring-sets.ts";
import { MemoryExpiringSets } from "#server/platform/expiring-sets/memory-expiring-sets.ts";
import { RedisExpiringSets } from "#server/platform/expiring-sets/redis-expiring-sets.ts";
import { createProviderClient, type ProviderClient } from "#server/platform/http-client.ts";
import { createJobQueue, type JobQueue } from "#server/platform/job-queue.ts";
import { FallbackTripLock } from "#server/platform/locks/fallback-trip-lock.ts";
import { MemoryTripLock } from "#server/platform/locks/memory-trip-lock.ts";
import { RedisTripLock } from "#server/platform/locks/redis-trip-lock.ts";
import type { TripLock } from "#server/platform/locks/trip-lock.ts";
import { createLogger, type Logger } from "#server/platform/logger.ts";
import { createMetrics, type Metrics } from "#server/platform/metrics.ts";
import { InsuredRateLimiter } from "#server/platform/rate-limiter/insured-rate-limiter.ts";
import { MemoryRateLimiter } from "#server/platform/rate-limiter/memory-rate-limiter.ts";
import type { RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";
import { RedisRateLimiter } from "#server/platform/rate-limiter/redis-rate-limiter.ts";
import { openRedis, type RedisConnections } from "#server/platform/redis.ts";
import { RedisBus } from "#server/platform/redis-bus.ts";
import { type RedisKeys, redisKeys } from "#server/platform/redis-keys.ts";
import { createRouter, type Router } from "#server/platform/routing.ts";
import { createRoutingProvider, type RoutingProvider } from "#server/platform/routing-providers.ts";
import { seldom } from "#server/platform/seldom.ts";
import { StatementGroup } from "#server/platform/statement-group.ts";
import { createOutboxWakeUp } from "#server/platform/wake-up.ts";

/** With the statement's own time-outs and the lock's this stays below the 7 s after which an app gives up. */
const ACCEPT_WAIT_MS = 2500;

/** Everything a role needs, built once from the configuration. */
export interface AppContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly db: Database;
  readonly redis: RedisConnections | null;
  readonly lock: TripLock;
  readonly bus: EventBus;
  readonly queue: JobQueue;
  readonly router: Router;
  readonly limits: LimitService;
  readonly effects: Effects;
  readonly idempotency: IdempotencyService;
  readonly events: TripEventLog;
  readonly cipher: Cipher;
  /** Sessions and tokens that ended before their time. */
  readonly revocations: RevocationList;
  readonly tokens: Tokens;
  readonly signing: SigningService;
  readonly reviews: ReviewService;
  readonly identity: IdentityService;
  /** What each operator may do now. */
  readonly access: AccessDirectory;
  readonly roles: RoleService;
  readonly people: PeopleService;
  readonly settings: SettingsService;
  readonly alerts: AlertService;
  readonly conduct: ConductService;
  readonly assignment: AssignmentService;
  readonly trips: TripService;
  readonly drivers: DriverService;
  readonly locations: LocationService;
  readonly history: LocationHistory;
  /** Where the free drivers are. */
  readonly driverIndex: DriverIndex;
  /** What keeps the index in step with the database; null when it is the database. */
  readonly driverIndexSync: DriverIndexSync | null;
  readonly keys: RedisKeys;
  /** Who is in what for a while: connections of a person. */
  readonly memberships: ExpiringSets;
  readonly presence: PresenceService;
  readonly viewers: OfferViewers;
  readonly fares: FareService;
  readonly surge: SurgeService;
  readonly zones: ZoneService;
  readonly dispatch: DispatchService;
  readonly matching: MatchingSettingsService;
  /** Why a search asked whom it asked. */
  readonly explainer: SearchExplainer;
  readonly bids: BidService;
  readonly manualAssignment: ManualAssignment;
  readonly notifications: NotificationService;
  readonly liveMap: LiveMap;
  readonly locks: LockService;
  readonly jobs: JobService;
  readonly webhooks: WebhookService;
  /** Tells the relays of all processes that the outbox has rows. */
  readonly wakeOutbox: () => void;
  /** Aborted when the process begins to stop: streams end then. */
  readonly stopping: AbortSignal;
  beginStop(): void;
  /** Writes what waits in memory and closes all that was opened. */
  dispose(): Promise<void>;
}

/** What tests put in the place of the real thing. */
export interface ContextOverrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly lock?: TripLock;
  readonly rateLimiter?: RateLimiter | null;
  readonly push?: PushProvider;
  readonly sms?: SmsProvider;
  readonly passwords?: PasswordHashing;
  /** PostgreSQL schema of BullMQ when there is no Redis. */
  readonly jobsSchema?: string;
  readonly processMetrics?: boolean;
  /** Amazon's notification service, which a test cannot be. */
  readonly sns?: { readonly fetchPem: FetchPem; readonly confirm: (url: string) => Promise<void> };
  readonly gateways?: Readonly<Record<Gateway, GatewayWebhooks>>;
}

/** The one composition root. Opens connections; `dispose` closes them. */
export function createContext(config: Config, overrides: ContextOverrides = {}): AppContext {
  const logger = overrides.logger ?? createLogger(config.logLevel);
  const clock = overrides.clock ?? systemClock;
  const metrics = createMetrics({ processMetrics: overrides.processMetrics ?? false });
  const db = openDatabase({
    url: config.database.url,
    poolSize: config.database.poolSize,
    hotPoolSize: config.assignment.groupsInFlight + 1,
    logger,
  });
  const redis = config.redis === null ? null : openRedis(config.redis.url, logger);
  const keys = redisKeys(config.redis?.prefix ?? "");

  const memoryLock = new MemoryTripLock({ clock, ttlSeconds: config.assignment.lockSeconds });
  const ownLock =
    redis === null
      ? memoryLock
      : new FallbackTripLock({
          primary: new RedisTripLock({ redis: redis.commands, keys, clock, ttlSeconds: config.assignment.lockSeconds }),
          secondary: memoryLock,
          isReady: redis.isReady,
        });
  const lock = overrides.lock ?? ownLock;
  const bus = redis === null ? new LocalBus(clock) : new RedisBus({ clock, redis, keys, logger });
  const queue = createJobQueue({
    backend:
      config.redis === null
        ? { kind: "postgres", url: config.database.url, schema: overrides.jobsSchema ?? "bullmq" }
        : { kind: "redis", url: config.redis.url, prefix: keys.queuePrefix },
    stalledSeconds: config.jobs.stalledSeconds,
    logger,
  });
  const stopping = new AbortController();
  const wakeUp = createOutboxWakeUp(db.pool);
  const events = new TripEventLog({ pool: db.pool, clock, logger });
  const effects = new Effects(db);

  const violations = new ViolationLog({ db, logger });
  const limiter = overrides.rateLimiter === undefined ? rateLimiter(config, redis, clock) : overrides.rateLimiter;
  const limits = new LimitService({ limiter, keys, violations, clock, metrics });

  const router = createRouter({
    provider: routingProvider(config, metrics),
    logger,
    monotonicMs: () => clock.monotonicMs(),
  });
  const settings = new SettingsService({ db, bus, clock });
  const alerts = new AlertService({ db, bus, logger });
  const conduct = new ConductService({ db, bus, alerts, settings });
  const cipher = new Cipher(config.encryptionKeys ?? [derivedKey(config.auth.secret)]);
  const revocations = new RevocationList({ db, bus, clock, logger });
  const tokens = new Tokens(config.auth, revocations);
  const quotes = new Quotes({ secret: config.auth.secret, clock });
  const trips = new TripService({
    db,
    lock,
    router,
    events,
    demand: new DemandGate({ limits, queue, db, clock, ...config.limits }),
    conduct,
    clock,
    quotes,
    onCommitted: wakeUp.wake,
    otpSecret: config.auth.secret,
    dispatch: config.dispatch,
  });
  const store = new AssignmentStore(db.hotPool);
  const group = new StatementGroup({
    run: (requests: readonly AcceptRequest[]) => store.decide(requests),
    keysOf: (request) => [request.tripId, request.driverId],
    maxRows: config.assignment.groupRows,
    maxInFlight: config.assignment.groupsInFlight,
    maxWaitMs: ACCEPT_WAIT_MS,
    monotonicMs: () => clock.monotonicMs(),
    onGroup: (rows) => metrics.acceptGroupRows.observe(rows),
    onRetry: () => metrics.acceptRetries.inc(),
  });
  const assignment = new AssignmentService({
    ...{ lock, group, store, events, clock, metrics, logger },
    onCommitted: wakeUp.wake,
  });
  const movements = new MovementWatch({
    settings: () => settings.latest(),
    raise: (alert) => alerts.raiseSoon(alert),
  });
  const { driverIndex, driverIndexSync } = driverIndexOf({ db, bus, clock, metrics, logger, redis, keys });
  const memberships = membershipsOf(redis, clock);
  const history = new LocationHistory({ db, metrics, logger });
  const sinks = [history.sink, ...(driverIndexSync === null ? [] : [driverIndexSync.sink])];
  const locations = new LocationService({
    ...{ db, bus, clock, metrics, logger, movements, sinks },
    minIntervalMs: config.locations.minIntervalMs,
  });
  const jobs = new JobService({ db, queue, clock });
  const access = new AccessDirectory({ db: db.pool, bus, clock });
  const { push, sms } = messageProviders(config, db, metrics);
  const client = (name: string) => createProviderClient({ name, metrics });
  const signingKeys = createSigningKeys(overrides.sns?.fetchPem ?? createPemFetcher());
  const gateways = overrides.gateways ?? createWebhooks(config.webhooks, signingKeys);

  const captcha = captchaOf({ config, metrics, logger });
  const guard = new SignInGuard({ db, secret: config.auth.secret, captcha });
  const identity = createIdentity({
    guard,
    ...{ config, logger, clock, metrics, db, cipher, revocations, tokens, access },
    onCommitted: wakeUp.wake,
    passwords: overrides.passwords ?? passwordHashing,
  });

  return {
    config,
    logger,
    clock,
    metrics,
    db,
    redis,
    lock,
    bus,
    queue,
    router,
    limits,
    effects,
    idempotency: new IdempotencyService(db),
    events,
    cipher,
    revocations,
    tokens,
    identity,
    signing: new SigningService({ db, cipher, clock }),
    reviews: new ReviewService(db),
    access,
    settings,
    alerts,
    conduct,
    roles: new RoleService({ db, access }),
    people: new PeopleService({ db, access, guard }),
    assignment,
    explainer: new SearchExplainer({ db, router, logger, limits: config.dispatch }),
    bids: new BidService({ db, assignment, limits: config.dispatch, onCommitted: wakeUp.wake }),
    manualAssignment: new ManualAssignment({ db, assignment, trips, lock, events }),
    trips,
    drivers: new DriverService({ db, trips, bus, conduct }),
    locations,
    history,
    driverIndex,
    driverIndexSync,
    keys,
    memberships,
    presence: new PresenceService({ db, bus, ...config.presence }),
    fares: new FareService({ db, bus, router, quotes }),
    surge: new SurgeService({ db, bus }),
    zones: new ZoneService({ db, bus }),
    viewers: new OfferViewers({ db, sets: memberships, keys }),
    dispatch: new DispatchService({
      ...{ db, bus, events, clock, router, logger },
      // Standalone the matcher asks the database itself, in one query with all else it wants to know.
      index: redis === null ? null : driverIndex,
      limits: config.dispatch,
    }),
    matching: new MatchingSettingsService({ db, limits: config.dispatch }),
    notifications: new NotificationService({ db, push: overrides.push ?? push, sms: overrides.sms ?? sms, effects }),
    liveMap: new LiveMap({ db, bus, clock, logger }),
    locks: new LockService({ db, lock }),
    jobs,
    webhooks: new WebhookService({
      db,
      gateways,
      lookup: createPaymentLookup(config.lookups, {
        mercadopago: client("mercadopago"),
        sslcommerz: client("sslcommerz"),
      }),
      confirmSubscription: overrides.sns?.confirm ?? confirmBy(client("sns")),
      events: new PaymentEvents({ db, effects, conduct }),
      bus,
      clock,
      metrics,
      logger,
      onCommitted: wakeUp.wake,
    }),
    wakeOutbox: wakeUp.wake,
    stopping: stopping.signal,
    beginStop: () => stopping.abort(),
    async dispose() {
      stopping.abort();
      jobs.stop();
      access.close();
      settings.close();
      await revocations.stop();
      wakeUp.close();
      await locations.drain();
      await history.drain();
      driverIndexSync?.close();
      await driverIndexSync?.drain();
      await alerts.drain();
      await events.drain();
      await limits.drain();
      await queue.close();
      bus.close();
      await redis?.close();
      await db.close();
    },
  };
}

function membershipsOf(redis: RedisConnections | null, clock: Clock): ExpiringSets {
  const monotonicMs = () => clock.monotonicMs();
  if (redis === null) return new MemoryExpiringSets(monotonicMs);
  return new RedisExpiringSets({ redis: redis.commands, isReady: redis.isReady, monotonicMs });
}

function routingProvider({ routing }: Config, metrics: Metrics): RoutingProvider | null {
  if (routing === null) return null;
  const client = (kind: string, timeoutMs: number) =>
    createProviderClient({ name: `${routing.provider}-${kind}`, metrics, timeoutMs, retries: 0 });
  return createRoutingProvider(routing.provider, {
    ...routing,
    routes: client("routes", 1500),
    tables: client("tables", 400),
  });
}

type IndexParts = Pick<AppContext, "db" | "bus" | "clock" | "metrics" | "logger" | "redis"> & {
  readonly keys: RedisKeys;
};

function driverIndexOf({ keys, ...parts }: IndexParts): Pick<AppContext, "driverIndex" | "driverIndexSync"> {
  const { db, metrics, logger, redis } = parts;
  const inDatabase = new PostgresDriverIndex(db.pool);
  if (redis === null) return { driverIndex: inDatabase, driverIndexSync: null };
  const index = new RedisDriverIndex({ redis: redis.commands, keys });
  const driverIndex = new FallbackDriverIndex({
    primary: index,
    secondary: inDatabase,
    isReady: redis.isReady,
    monotonicMs: () => parts.clock.monotonicMs(),
    onSearch: (source) => metrics.driverSearches.inc({ source }),
    onTrouble: seldom((trouble) => logger.warn(trouble, "searching drivers in the database: Redis did not answer")),
  });
  const onBuilt = (seconds: number) => metrics.driverIndexBuild.observe(seconds);
  return { driverIndex, driverIndexSync: new DriverIndexSync({ ...parts, index, redis, onBuilt }) };
}

/** A GET that must be answered by that very address. */
const confirmBy = (client: ProviderClient) => async (url: string) => {
  await client.call({ url, method: "GET", redirect: "error" });
};

type IdentityParts = Pick<
  AppContext,
  "config" | "logger" | "clock" | "metrics" | "db" | "cipher" | "revocations" | "tokens" | "access"
> & {
  readonly onCommitted: () => void;
  readonly passwords: PasswordHashing;
  readonly guard: SignInGuard;
};

function createIdentity(parts: IdentityParts): IdentityService {
  const { config, passwords } = parts;
  const { secret, refreshTokenSeconds } = config.auth;
  const codes = new OneTimeCodes({ ...parts, secret });
  return new IdentityService({
    ...parts,
    sessions: new SessionService({ ...parts, secret, refreshTokenSeconds }),
    codes,
    registrations: new RegistrationService({ ...parts, codes, passwords }),
    secondFactor: new SecondFactor({ ...parts, secret }),
  });
}

function captchaOf({ config, metrics, logger }: Pick<AppContext, "config" | "metrics" | "logger">): Captcha | null {
  const { captcha } = config.auth;
  if (captcha === null) return null;
  const client = createProviderClient({ name: captcha.provider, metrics, retries: 1 });
  return createCaptcha({ ...captcha, url: captcha.verifyUrl ?? CAPTCHA_VERIFY_URLS[captcha.provider], client, logger });
}

/** The configured providers; where none is, the recorder. */
function messageProviders(config: Config, db: Database, metrics: Metrics): { push: PushProvider; sms: SmsProvider } {
  const recorder = createRecorder(db, { keepCodes: !config.production || config.demo });
  return {
    push:
      config.fcm === null
        ? recorder.push
        : createFcm({ ...config.fcm, client: createProviderClient({ name: "fcm", metrics }) }),
    sms:
      config.sms === null
        ? recorder.sms
        : createSmsHttp({ ...config.sms, client: createProviderClient({ name: "sms", metrics }) }),
  };
}

/** Redis with memory insurance, or memory where there is no Redis; null: limits are off. */
function rateLimiter(config: Config, redis: RedisConnections | null, clock: Clock): RateLimiter | null {
  if (!config.limits.enabled) return null;
  const memory = new MemoryRateLimiter(clock);
  if (redis === null) return memory;
  const primary = new RedisRateLimiter(redis.commands);
  return new InsuredRateLimiter({
    primary,
    insurance: memory,
    isReady: redis.isReady,
    probe: () => redis.commands.ping(),
    clock,
  });
}
