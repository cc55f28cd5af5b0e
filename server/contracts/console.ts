/** What the console's rooms show: plain shapes, shared by the tRPC routers and the browser. Times are ISO 8601 UTC. */

import type { Coordinates, Place } from "./geo.ts";
import type { QueueName } from "./jobs.ts";
import type { LimitScope } from "./limits.ts";
import type { BatchRow, Bid, ScoreParts } from "./matching.ts";
import type { Gateway, PaymentEventKind, PaymentEventVerdict, WebhookStatus } from "./payments.ts";
import type { Permission } from "./permissions.ts";
import type { SettingKey } from "./settings.ts";
import type { Availability, Money, Trip, TripStatus } from "./trips.ts";

export interface Page<T> {
  readonly items: readonly T[];
  /** Pass as `cursor` for the next page; null at the end. */
  readonly nextCursor: string | null;
}

// ── Map ────────────────────────────────────────────────────────────────────────────────────────
export type DriverMapState =
  | "available"
  | "offered"
  | "on_trip"
  | "stale"
  | "temporarily_offline"
  | "under_review"
  | "offline";

export interface LiveDriver extends Coordinates {
  readonly id: string;
  readonly name: string;
  readonly phone: string;
  readonly plate: string | null;
  readonly category: string | null;
  /** Degrees clockwise from north. */
  readonly heading: number | null;
  /** Metres per second. */
  readonly speed: number | null;
  readonly state: DriverMapState;
  readonly tripId: string | null;
  readonly updatedAt: string;
}

export interface LiveTrip {
  readonly id: string;
  readonly refId: string;
  readonly status: TripStatus;
  readonly pickup: Place;
  readonly destination: Place;
  readonly driverId: string | null;
  readonly driverName: string | null;
  readonly zoneId: string | null;
  readonly createdAt: string;
}

export interface ZoneOutline {
  readonly id: string;
  readonly name: string;
  /** GeoJSON MultiPolygon coordinates, [lng, lat]. */
  readonly coordinates: readonly (readonly (readonly (readonly [number, number])[])[])[];
}

/** `map.summary`: the strip above the map. */
export interface ShiftSummary {
  readonly online: number;
  readonly available: number;
  readonly onTrip: number;
  readonly pendingTrips: number;
  readonly liveTrips: number;
  readonly oldestPendingSeconds: number | null;
}

// ── Trips ──────────────────────────────────────────────────────────────────────────────────────
export interface TripRow {
  readonly id: string;
  readonly refId: string;
  readonly status: TripStatus;
  readonly customerName: string;
  readonly driverName: string | null;
  readonly zoneName: string | null;
  readonly vehicleCategory: string;
  readonly pickupLabel: string;
  readonly destinationLabel: string;
  readonly estimatedFare: Money;
  readonly version: number;
  /** When the rider wants to be picked up; null: as soon as possible. */
  readonly scheduledAt: string | null;
  /** From when drivers are asked: the rider waits since then. */
  readonly searchBeganAt: string;
  readonly createdAt: string;
  readonly acceptedAt: string | null;
}

export interface TripOfferRow {
  readonly id: string;
  readonly driverId: string;
  readonly driverName: string;
  readonly batch: number;
  readonly distanceMeters: number;
  /** To the pick-up, and what put this driver before others; null for offers of before there was a score. */
  readonly etaSeconds: number | null;
  readonly scoreSeconds: number | null;
  readonly parts: ScoreParts | null;
  readonly expiresAt: string;
  readonly status: "open" | "accepted" | "rejected" | "expired" | "revoked";
  /** Why it ended, in words. */
  readonly reason: string | null;
  readonly offeredAt: string;
  readonly endedAt: string | null;
}

/** One accept, won or not: what the engine decided and how long each step took, in milliseconds. */
export interface AcceptAttempt {
  readonly id: string;
  readonly driverId: string;
  readonly driverName: string;
  readonly verdict: "won" | "already_yours" | "lost" | "refused";
  /** The error code for `lost` and `refused`. */
  readonly code: string | null;
  readonly detail: string | null;
  readonly lockMs: number | null;
  readonly waitMs: number | null;
  readonly statementMs: number | null;
  readonly totalMs: number;
  /** How many accepts shared the statement. */
  readonly groupSize: number | null;
  readonly requestId: string | null;
  readonly at: string;
}

export interface TimelineEntry {
  readonly id: string;
  readonly at: string;
  /** Dotted, like `trip.created`, `offer.sent`, `accept.attempt`, `effect.done`, `trip.cancelled`. */
  readonly kind: string;
  readonly title: string;
  readonly detail: string | null;
  readonly actor: string | null;
  readonly tone: "neutral" | "good" | "warn" | "bad";
  readonly data: Readonly<Record<string, unknown>>;
}

export interface TripEffect {
  readonly effect: string;
  readonly subject: string;
  readonly status: "claimed" | "done" | "failed";
  readonly attempts: number;
  readonly jobId: string | null;
  readonly error: string | null;
  readonly claimedAt: string;
  readonly doneAt: string | null;
}

export interface TripDetail {
  readonly trip: Trip;
  readonly customer: { readonly id: string; readonly name: string; readonly phone: string };
  readonly zoneName: string | null;
  readonly offers: readonly TripOfferRow[];
  /** Drivers who have the offer on their screens now. */
  readonly viewers: number;
  readonly batches: readonly BatchRow[];
  readonly bids: readonly Bid[];
  readonly attempts: readonly AcceptAttempt[];
  readonly effects: readonly TripEffect[];
  readonly timeline: readonly TimelineEntry[];
  /** Null without locks.view. */
  readonly lock: TripLockState | null;
  /** Where the trip's driver was last, while the trip is live; null without drivers.view. */
  readonly driverPosition: (Coordinates & { readonly heading: number | null; readonly at: string }) | null;
  /** What the trip's state allows an operator; permissions come on top. */
  readonly allowed: { readonly cancel: boolean; readonly release: boolean; readonly assign: boolean };
  /** Null without messages.view. */
  readonly messages: readonly RecordedMessage[] | null;
}

/** A message kept by the recorder (demo and tests) instead of being sent. Codes are shown: it is demo data. */
export interface RecordedMessage {
  readonly id: string;
  readonly channel: "sms" | "push";
  readonly to: string;
  readonly title: string | null;
  readonly body: string;
  readonly tripId: string | null;
  readonly at: string;
}

// ── Drivers ────────────────────────────────────────────────────────────────────────────────────
export interface DriverRow {
  readonly id: string;
  readonly name: string;
  readonly phone: string;
  readonly plate: string | null;
  readonly category: string | null;
  readonly isOnline: boolean;
  readonly availability: Availability;
  /** Why they are under review; null when they are not. */
  readonly reviewReason: string | null;
  readonly zoneName: string | null;
  readonly lastSeenAt: string | null;
  readonly liveTripId: string | null;
  readonly liveTripRef: string | null;
}

// ── Locks ──────────────────────────────────────────────────────────────────────────────────────
export type LockVerdict = "healthy" | "in_flight" | "orphaned" | "foreign" | "overdue" | "no_ttl" | "unknown_trip";

export interface LockRow {
  readonly key: string;
  readonly tripId: string;
  readonly refId: string | null;
  readonly ownerDriverId: string | null;
  readonly ownerName: string | null;
  /** The whole stored value: what release compares with. */
  readonly value: string;
  readonly ageSeconds: number | null;
  readonly ttlSeconds: number | null;
  readonly tripStatus: TripStatus | null;
  readonly tripDriverId: string | null;
  readonly tripDriverName: string | null;
  readonly verdict: LockVerdict;
  /** The verdict in a sentence. */
  readonly why: string;
}

/** Whether a trip is locked; `unknown` while Redis does not answer. */
export type TripLockState =
  | { readonly state: "held"; readonly lock: LockRow }
  | { readonly state: "free" }
  | { readonly state: "unknown" };

/** A driver the database calls `on_trip` who has no live trip. */
export interface GhostDriver {
  readonly driverId: string;
  readonly name: string;
  readonly since: string;
}

export interface LocksView {
  readonly backend: "redis" | "memory";
  readonly locks: readonly LockRow[];
  readonly ghosts: readonly GhostDriver[];
}

export interface ReleaseLockResult {
  readonly tripId: string;
  readonly outcome: "released" | "changed" | "gone" | "failed";
  readonly message: string;
}

// ── Jobs ───────────────────────────────────────────────────────────────────────────────────────
export interface QueueRow {
  readonly name: QueueName;
  readonly paused: boolean;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
  readonly completed: number;
  /** Finished per second over the last minute, by all processes of this queue's workers. */
  readonly ratePerSecond: number;
  /** Milliseconds from enqueued to finished over the last 5 minutes. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** One sample for the charts; taken every 5 s, kept 30 min. */
export interface QueueSample {
  readonly at: string;
  readonly queue: QueueName;
  readonly depth: number;
  readonly completed: number;
  readonly failed: number;
}

export interface OutboxView {
  readonly backlog: number;
  readonly oldestSeconds: number | null;
  readonly unfinished: number;
  readonly failed: number;
}

export interface JobsView {
  readonly backend: "redis" | "postgres";
  readonly reachable: boolean;
  readonly queues: readonly QueueRow[];
  /** `jobs.view` has all that are kept; a frame of `jobs.live` only those since the frame before. */
  readonly samples: readonly QueueSample[];
  readonly outbox: OutboxView;
}

export interface FailedJobGroup {
  readonly fingerprint: string;
  /** `ErrorName: message` with ids and numbers replaced. */
  readonly exception: string;
  readonly jobName: string;
  readonly queue: QueueName;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly jobIds: readonly string[];
}

export interface JobRow {
  readonly id: string;
  readonly queue: QueueName;
  readonly name: string;
  readonly state: string;
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  readonly failedReason: string | null;
  readonly stack: readonly string[];
  /** Phones, codes and tokens masked. */
  readonly payload: unknown;
  readonly tripId: string | null;
  readonly createdAt: string;
  readonly processedAt: string | null;
  readonly finishedAt: string | null;
}

export interface JobActionResult {
  readonly jobId: string;
  readonly outcome: "retried" | "discarded" | "gone" | "changed" | "unknown";
  readonly message: string;
}

// ── Webhooks ───────────────────────────────────────────────────────────────────────────────────
export interface WebhookRow {
  readonly id: string;
  readonly gateway: Gateway;
  readonly rawType: string;
  readonly kind: PaymentEventKind;
  readonly amount: Money | null;
  readonly tripId: string | null;
  readonly paymentId: string | null;
  readonly status: WebhookStatus;
  readonly verdict: PaymentEventVerdict | null;
  readonly attempts: number;
  /** 1, and one more for each duplicate. */
  readonly deliveries: number;
  readonly lastError: string | null;
  readonly receivedAt: string;
}

export interface WebhookDetail extends WebhookRow {
  readonly eventKey: string;
  /** The verdict in a sentence. */
  readonly detail: string | null;
  readonly amountIsSigned: boolean;
  readonly reference: string | null;
  readonly refundId: string | null;
  readonly disputeId: string | null;
  readonly occurredAt: string | null;
  readonly processedAt: string | null;
  readonly lastDeliveryAt: string;
  readonly jobId: string;
  readonly requestId: string;
  readonly ip: string | null;
  /** Signatures shortened; a token that is a password is not kept at all. */
  readonly headers: Readonly<Record<string, string>>;
  /** The raw body for reading: JSON or form fields, personal data and secrets masked; null once it was deleted. */
  readonly body: unknown;
  readonly bytes: number | null;
}

export interface ReprocessResult {
  readonly id: string;
  readonly outcome: "queued" | "gone" | "too_old";
  readonly message: string;
}

// ── Idempotency ────────────────────────────────────────────────────────────────────────────────
/** `abandoned`: its lease ended without a result; the next request with it does the work. */
export const IDEMPOTENCY_STATES = ["running", "abandoned", "finished"] as const;
export type IdempotencyState = (typeof IDEMPOTENCY_STATES)[number];

export interface IdempotencyRow {
  readonly id: string;
  readonly key: string;
  readonly operation: string;
  readonly actorId: string;
  readonly actorName: string | null;
  readonly actorType: string | null;
  readonly state: IdempotencyState;
  /** While it runs. */
  readonly leaseSeconds: number | null;
  readonly statusCode: number | null;
  readonly replays: number;
  /** Requests refused: 409 while it ran, 422 with another body. */
  readonly conflicts: number;
  readonly createdAt: string;
  readonly expiresAt: string;
}

export interface IdempotencyDetail extends IdempotencyRow {
  readonly requestHash: string;
  /** The stored answer, personal data masked; null before there is one. */
  readonly body: unknown;
}

// ── Invariants ─────────────────────────────────────────────────────────────────────────────────
export interface InvariantResult {
  readonly name: string;
  readonly description: string;
  /** Why it could not be checked now, as a sentence; null when it was. */
  readonly unchecked: string | null;
  readonly violations: number;
  /** Up to 20 offenders, as ids with a sentence. */
  readonly examples: readonly { readonly id: string; readonly why: string }[];
}

export interface InvariantsView {
  readonly checkedAt: string;
  readonly tookMs: number;
  /** All hold. Not so when one of them could not be checked. */
  readonly ok: boolean;
  readonly results: readonly InvariantResult[];
}

// ── Settings: people and roles ─────────────────────────────────────────────────────────────────
/** `session.me`: who is signed in, and what they may do now. */
export interface Me {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** Titles, for people. */
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[];
}

export interface OperatorRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly roleTitle: string;
  readonly active: boolean;
  /** After too many wrong passwords. */
  readonly lockedUntil: string | null;
  readonly createdAt: string;
}

export interface Role {
  readonly name: string;
  readonly title: string;
  readonly permissions: readonly Permission[];
  /** One of those a new platform starts with: cannot be deleted. */
  readonly system: boolean;
  readonly version: number;
  /** How many people have it. */
  readonly operators: number;
  readonly updatedAt: string;
}

/** `settings.list`; title, unit and bounds are in `SETTINGS`. */
export interface BusinessSetting {
  readonly key: SettingKey;
  readonly value: number;
  /** 0: nobody has changed it yet. */
  readonly version: number;
  readonly updatedBy: string | null;
  readonly updatedAt: string | null;
}

// ── Alerts ─────────────────────────────────────────────────────────────────────────────────────
export type AlertSeverity = "info" | "warning" | "critical";

export interface Alert {
  readonly id: string;
  readonly kind: string;
  readonly severity: AlertSeverity;
  readonly subject: { readonly type: string; readonly id: string; readonly name: string | null };
  readonly summary: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** How often it came since it is open. */
  readonly occurrences: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  readonly resolution: string | null;
}

// ── Audit log ──────────────────────────────────────────────────────────────────────────────────
export interface AuditRow {
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly id: string | null; readonly name: string };
  readonly action: string;
  readonly subject: { readonly type: string; readonly id: string };
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
  readonly ip: string | null;
  readonly requestId: string | null;
}

// ── Limits ─────────────────────────────────────────────────────────────────────────────────────
/** Refused calls of one person, address or name under one scope in one minute. */
export interface LimitViolation {
  readonly id: string;
  readonly scope: LimitScope;
  /** An address, or a name with its personal data cut; a person's id. */
  readonly subject: string;
  readonly person: {
    readonly id: string;
    readonly name: string;
    readonly type: "customer" | "driver" | "operator";
  } | null;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}
