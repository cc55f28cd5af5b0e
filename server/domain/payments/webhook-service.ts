import type { Page, ReprocessResult, WebhookDetail, WebhookRow } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Gateway } from "#server/contracts/payments.ts";
import { topics } from "#server/contracts/realtime.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { mask } from "#server/domain/ops/mask.ts";
import { addToOutbox } from "#server/domain/outbox/outbox-store.ts";
import type { PaymentEvents } from "#server/domain/payments/payment-events.ts";
import type { PaymentLookup } from "#server/domain/payments/payment-lookup.ts";
import * as store from "#server/domain/payments/webhook-store.ts";
import type { GatewayWebhooks } from "#server/domain/payments/webhooks/gateways.ts";
import { decodeText, field, parseJsonObject } from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import {
  type Bag,
  type RefusalReason,
  singleValue,
  type VerifiedSubscription,
  verifiedEvent,
} from "#server/domain/payments/webhooks/webhook.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import { ProviderError } from "#server/platform/http-client.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Metrics } from "#server/platform/metrics.ts";

/** One delivery as it came through the door. */
export interface Delivery {
  readonly rawBody: Buffer;
  readonly headers: Bag;
  readonly query: Bag;
  readonly ip: string | null;
  readonly requestId: string;
}

/** Kept beside the event. What proves a delivery is shortened, so that nobody can replay it from here. */
const KEPT_HEADERS = ["content-type", "user-agent", "x-request-id", "x-razorpay-event-id", "webhook-id"];
const SHORTENED_HEADERS = [
  "stripe-signature",
  "x-razorpay-signature",
  "x-paystack-signature",
  "x-signature",
  "x-iyz-signature-v3",
];
const SHOWN = 12;

function keptHeaders(headers: Bag): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of [...KEPT_HEADERS, ...SHORTENED_HEADERS]) {
    const value = singleValue(headers, name)?.slice(0, 300);
    if (value === undefined) continue;
    kept[name] = SHORTENED_HEADERS.includes(name) ? `${value.slice(0, SHOWN)}… (${value.length} characters)` : value;
  }
  return kept;
}

function refusal(gateway: Gateway, reason: RefusalReason): DomainError {
  if (reason === "not_configured")
    return new DomainError("GATEWAY_NOT_CONFIGURED", `No secret is set for ${gateway}. Nothing was taken.`);
  if (reason === "certificate_unavailable")
    return new DomainError("SERVICE_UNAVAILABLE", "The signing certificate cannot be had right now.", {
      retryAfterSeconds: 30,
    });
  // One answer for all the rest: whoever forges learns nothing of what was wrong.
  return new DomainError("INVALID_SIGNATURE", "The delivery could not be verified. Nothing was taken.");
}

const SUBSCRIPTION = "SubscriptionConfirmation";

/** The raw body for reading: fields where it has some, personal data masked, JSON inside JSON opened. */
function readable(rawBody: Buffer): unknown {
  const json = parseJsonObject(rawBody);
  if (json !== null) {
    const inner = field(json, "Message");
    const message = typeof inner === "string" ? parseJsonObject(inner) : null;
    return mask(message === null ? json : { ...json, Message: message });
  }
  const text = decodeText(rawBody);
  return text?.includes("=") ? mask(Object.fromEntries(new URLSearchParams(text))) : text;
}

/** The inbox of the payment gateways: verify, keep once, answer; everything else is the job's. */
export class WebhookService {
  readonly #db: Database;
  readonly #gateways: Readonly<Record<Gateway, GatewayWebhooks>>;
  readonly #lookup: PaymentLookup;
  readonly #confirmSubscription: (url: string) => Promise<void>;
  readonly #events: PaymentEvents;
  readonly #bus: EventBus;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #onCommitted: () => void;

  constructor(options: {
    db: Database;
    gateways: Readonly<Record<Gateway, GatewayWebhooks>>;
    lookup: PaymentLookup;
    /** A GET of an address that the verification pinned to Amazon's hosts. */
    confirmSubscription: (url: string) => Promise<void>;
    events: PaymentEvents;
    bus: EventBus;
    clock: Clock;
    metrics: Metrics;
    logger: Logger;
    /** Wakes the outbox relay. */
    onCommitted: () => void;
  }) {
    this.#db = options.db;
    this.#gateways = options.gateways;
    this.#lookup = options.lookup;
    this.#confirmSubscription = options.confirmSubscription;
    this.#events = options.events;
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#logger = options.logger;
    this.#onCommitted = options.onCommitted;
  }

  /**
   * Verifies a delivery and keeps its event once. INVALID_SIGNATURE, GATEWAY_NOT_CONFIGURED, or SERVICE_UNAVAILABLE when
   * the same bytes may pass later; of what is refused only a line in the log and a count remain.
   */
  async receive(gateway: Gateway, delivery: Delivery): Promise<"received" | "duplicate"> {
    const { rawBody, headers, query, ip, requestId } = delivery;
    const verdict = await this.#gateways[gateway].verify({ rawBody, headers, query, now: this.#clock.now() });
    if (!verdict.ok) {
      this.#metrics.webhooks.inc({ gateway, outcome: verdict.reason });
      const error = refusal(gateway, verdict.reason);
      const line = { security: error.code, gateway, reason: verdict.reason, ip, requestId, bytes: rawBody.length };
      this.#logger.warn(line, "webhook refused");
      throw error;
    }
    const event =
      verdict.result === "event"
        ? this.#gateways[gateway].parse(verdict)
        : paymentEvent(gateway, verdict.eventKey, SUBSCRIPTION, {});
    const payload = verdict.result === "event" ? verdict.payload : subscriptionPayload(verdict);
    const id = newId();
    const kept = await store.receive(this.#db.pool, {
      id,
      jobId: newId(),
      event,
      payload: JSON.stringify(payload),
      rawBody,
      headers: keptHeaders(headers),
      ip,
      requestId,
    });
    const outcome = kept === id ? "received" : "duplicate";
    this.#metrics.webhooks.inc({ gateway, outcome });
    if (outcome === "received") this.#onCommitted();
    this.#tell(kept);
    return outcome;
  }

  /**
   * The job: reads the event, has it confirmed where its signature says too little, judges and records it. Safe to run
   * again at any point. Throws `ProviderError` when a gateway that must be asked does not answer.
   */
  async process(id: string, jobId: string): Promise<void> {
    const row = await store.beginAttempt(this.#db.pool, id);
    if (row === null) throw new ProviderError("there is no such event any more", { permanent: true });
    try {
      await this.#process(row, jobId);
    } catch (error) {
      await store.noteError(this.#db.pool, id, error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      this.#tell(id);
    }
  }

  async #process({ id, gateway, event_key, raw_type, payload }: store.StoredWebhook, jobId: string): Promise<void> {
    const { pool } = this.#db;
    const stored = payload === null ? null : parseJsonObject(payload);
    if (stored === null) throw new ProviderError("its bytes have been deleted", { permanent: true });
    const subscribeUrl = raw_type === SUBSCRIPTION ? field(stored, "subscribeUrl") : undefined;
    if (typeof subscribeUrl === "string") {
      await this.#confirmSubscription(subscribeUrl);
      const detail = "The subscription was confirmed.";
      await store.finish(pool, id, { status: "processed", verdict: null, detail, event: null });
      return;
    }
    const { event, doubt } = await this.#lookup(this.#gateways[gateway].parse(verifiedEvent(event_key, stored)));
    if (event.kind === "unknown") {
      const detail = "Nothing that we act on.";
      await store.finish(pool, id, { status: "ignored", verdict: null, detail, event });
      return;
    }
    const judgement = await this.#events.judge(id, event, doubt);
    await this.#events.record(event, judgement, jobId);
    const { verdict, detail, tripId } = judgement;
    await store.finish(pool, id, { status: "processed", verdict, detail, event: { ...event, tripId } });
  }

  /** A job was given up: if it was one of ours, its event says so. */
  async gaveUp(jobId: string, error: string): Promise<void> {
    const id = await store.markFailed(this.#db.pool, jobId, error);
    if (id !== null) this.#tell(id);
  }

  /** Has events processed again, each by a new job. What was recorded before is not recorded twice. */
  async reprocess(ids: readonly string[], record: Recorder): Promise<ReprocessResult[]> {
    const results: ReprocessResult[] = [];
    for (const id of new Set(ids)) {
      const outcome = await this.#db.transaction(async (tx) => {
        const jobId = newId();
        const reopened = await store.reopen(tx, id, jobId);
        if (reopened === "queued") await addToOutbox(tx, "process-webhook", { eventId: id }, { id: jobId });
        await record(tx, { type: "webhook", id }, { after: { outcome: reopened } });
        return reopened;
      });
      if (outcome === "queued") this.#tell(id);
      results.push({ id, outcome, message: REPROCESS_WORDS[outcome] });
    }
    this.#onCommitted();
    return results;
  }

  list(filter: store.WebhookFilter): Promise<Page<WebhookRow>> {
    return store.list(this.#db.pool, filter);
  }

  /** NOT_FOUND. */
  async detail(id: string): Promise<WebhookDetail> {
    const found = await store.read(this.#db.pool, id);
    if (found === null) throw new DomainError("NOT_FOUND", "There is no such event.");
    const { event, rawBody } = found;
    return { ...event, body: rawBody === null ? null : readable(rawBody), bytes: rawBody?.length ?? null };
  }

  #tell(id: string): void {
    this.#bus.publish(topics.webhooks, "changed", { ids: [id] });
  }
}

const subscriptionPayload = ({ subscribeUrl }: VerifiedSubscription) => ({ subscribeUrl });

const REPROCESS_WORDS: Readonly<Record<ReprocessResult["outcome"], string>> = {
  queued: "It is processed again now, with all its tries.",
  gone: "There is no such event any more.",
  too_old: "Its bytes were deleted after 90 days; nothing was done.",
};
