import type { Page, WebhookDetail, WebhookRow } from "#server/contracts/console.ts";
import type {
  Gateway,
  PaymentEvent,
  PaymentEventKind,
  PaymentEventVerdict,
  WebhookStatus,
} from "#server/contracts/payments.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface NewWebhookEvent {
  readonly id: string;
  readonly jobId: string;
  readonly event: PaymentEvent;
  /** JSON text of what was verified. */
  readonly payload: string;
  readonly rawBody: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly ip: string | null;
  readonly requestId: string;
}

const said = (event: PaymentEvent) => [
  event.kind,
  event.rawType,
  event.amount?.amount ?? null,
  event.amount?.currency ?? null,
  event.amountIsSigned,
  event.tripId,
  event.reference,
  event.paymentId,
  event.refundId,
  event.disputeId,
  event.occurredAt,
];

/** One statement, so event and job are there together, once: of any number of deliveries at once one makes the row. */
const RECEIVE = `
WITH kept AS (
  INSERT INTO webhook_events AS w (id, gateway, event_key, payload, raw_body, headers, job_id, ip, request_id,
    kind, raw_type, amount, currency, amount_is_signed, trip_id, reference, payment_id, refund_id, dispute_id, occurred_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
  ON CONFLICT (gateway, event_key) DO UPDATE SET deliveries = w.deliveries + 1, last_delivery_at = now()
  RETURNING id
), told AS (
  INSERT INTO outbox (id, topic, payload)
  SELECT $7, 'process-webhook', jsonb_build_object('eventId', id) FROM kept WHERE id = $1
)
SELECT id FROM kept`;

/** A gateway gives up after 5 s (Razorpay): better a 503 before, which it retries. */
const RECEIVE_WITHIN_MS = 3000;

/** Keeps a verified event and plans its job; the id under which it is kept, another's when it was there already. */
export async function receive(db: Queryable, { event, ...row }: NewWebhookEvent): Promise<string> {
  const statement = {
    name: "webhook-receive",
    text: RECEIVE,
    values: [
      row.id,
      event.gateway,
      event.eventKey,
      row.payload,
      row.rawBody,
      JSON.stringify(row.headers),
      row.jobId,
      row.ip,
      row.requestId,
      ...said(event),
    ],
    query_timeout: RECEIVE_WITHIN_MS,
  };
  const { rows } = await db.query<{ id: string }>(statement);
  return rows[0]?.id ?? row.id;
}

export interface StoredWebhook {
  readonly id: string;
  readonly gateway: Gateway;
  readonly event_key: string;
  readonly raw_type: string;
  readonly payload: string | null;
}

/** One more try of it; null when there is no such event. */
export async function beginAttempt(db: Queryable, id: string): Promise<StoredWebhook | null> {
  const { rows } = await db.query<StoredWebhook>({
    name: "webhook-begin",
    text: `UPDATE webhook_events SET attempts = attempts + 1 WHERE id = $1
           RETURNING id, gateway, event_key, raw_type, payload`,
    values: [id],
  });
  return rows[0] ?? null;
}

/** What came of it. `event` as it reads now: confirmed by the gateway, or read by a parser that was mended since. */
export async function finish(
  db: Queryable,
  id: string,
  outcome: {
    readonly status: "processed" | "ignored";
    readonly verdict: PaymentEventVerdict | null;
    readonly detail: string | null;
    readonly event: PaymentEvent | null;
  },
): Promise<void> {
  await db.query({
    name: "webhook-finish",
    text: `UPDATE webhook_events SET status = $2, verdict = $3, detail = $4, last_error = NULL, processed_at = now() WHERE id = $1`,
    values: [id, outcome.status, outcome.verdict, outcome.detail],
  });
  if (outcome.event === null) return;
  await db.query({
    name: "webhook-said",
    text: `UPDATE webhook_events SET kind = $2, raw_type = $3, amount = $4, currency = $5, amount_is_signed = $6, trip_id = $7,
             reference = $8, payment_id = $9, refund_id = $10, dispute_id = $11, occurred_at = $12 WHERE id = $1`,
    values: [id, ...said(outcome.event)],
  });
}

export async function noteError(db: Queryable, id: string, error: string): Promise<void> {
  await db.query("UPDATE webhook_events SET last_error = $2 WHERE id = $1", [id, error.slice(0, 2000)]);
}

/** Its job was given up. Returns the event's id, if the job was one of ours. */
export async function markFailed(db: Queryable, jobId: string, error: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    "UPDATE webhook_events SET status = 'failed', last_error = $2 WHERE job_id = $1 AND status = 'received' RETURNING id",
    [jobId, error.slice(0, 2000)],
  );
  return rows[0]?.id ?? null;
}

/** To be processed again by a new job; `too_old` when its bytes have been deleted. */
export async function reopen(tx: Queryable, id: string, jobId: string): Promise<"queued" | "gone" | "too_old"> {
  const { rows } = await tx.query<{ readable: boolean }>(
    `UPDATE webhook_events SET status = CASE WHEN payload IS NULL THEN status ELSE 'received' END,
       job_id = CASE WHEN payload IS NULL THEN job_id ELSE $2 END
     WHERE id = $1 RETURNING payload IS NOT NULL AS readable`,
    [id, jobId],
  );
  return rows[0] === undefined ? "gone" : rows[0].readable ? "queued" : "too_old";
}

/** The trip that an earlier event of the same payment named: refunds and disputes often name none. */
export async function tripOfPayment(db: Queryable, gateway: Gateway, paymentId: string): Promise<string | null> {
  const { rows } = await db.query<{ trip_id: string }>({
    name: "webhook-trip-of-payment",
    text: "SELECT trip_id FROM webhook_events WHERE gateway = $1 AND payment_id = $2 AND trip_id IS NOT NULL ORDER BY id LIMIT 1",
    values: [gateway, paymentId],
  });
  return rows[0]?.trip_id ?? null;
}

/** Whether an event of the same payment that happened later was processed before this one. */
export async function hasLaterEvent(db: Queryable, id: string, event: PaymentEvent): Promise<boolean> {
  if (event.paymentId === null || event.occurredAt === null) return false;
  const { rowCount } = await db.query({
    name: "webhook-later",
    text: `SELECT 1 FROM webhook_events
           WHERE gateway = $1 AND payment_id = $2 AND id <> $3 AND status = 'processed' AND occurred_at > $4 LIMIT 1`,
    values: [event.gateway, event.paymentId, id, event.occurredAt],
  });
  return (rowCount ?? 0) > 0;
}

interface ListedRow {
  readonly id: string;
  readonly gateway: Gateway;
  readonly event_key: string;
  readonly raw_type: string;
  readonly kind: PaymentEventKind;
  /** bigint comes as text; a safe integer by what was let in. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly trip_id: string | null;
  readonly payment_id: string | null;
  readonly status: WebhookStatus;
  readonly verdict: PaymentEventVerdict | null;
  readonly attempts: number;
  readonly deliveries: number;
  readonly last_error: string | null;
  readonly received_at: Date;
}

const LISTED = `id, gateway, event_key, raw_type, kind, amount, currency, trip_id, payment_id, status, verdict, attempts,
  deliveries, last_error, received_at`;

const toRow = (row: ListedRow): WebhookRow => ({
  id: row.id,
  gateway: row.gateway,
  rawType: row.raw_type,
  kind: row.kind,
  amount: row.amount === null || row.currency === null ? null : { amount: Number(row.amount), currency: row.currency },
  tripId: row.trip_id,
  paymentId: row.payment_id,
  status: row.status,
  verdict: row.verdict,
  attempts: row.attempts,
  deliveries: row.deliveries,
  lastError: row.last_error,
  receivedAt: row.received_at.toISOString(),
});

export interface WebhookFilter {
  readonly gateways: readonly Gateway[];
  readonly statuses: readonly WebhookStatus[];
  readonly verdicts: readonly PaymentEventVerdict[];
  readonly cursor: string | null;
  readonly limit: number;
}

const orAll = (values: readonly string[]) => (values.length === 0 ? null : values);

/** Newest first. */
export async function list(db: Queryable, filter: WebhookFilter): Promise<Page<WebhookRow>> {
  const { rows } = await db.query<ListedRow>({
    text: `SELECT ${LISTED} FROM webhook_events
           WHERE ($1::text[] IS NULL OR gateway = ANY($1)) AND ($2::text[] IS NULL OR status = ANY($2))
             AND ($3::text[] IS NULL OR verdict = ANY($3)) AND ($4::uuid IS NULL OR id < $4)
           ORDER BY id DESC LIMIT $5`,
    values: [orAll(filter.gateways), orAll(filter.statuses), orAll(filter.verdicts), filter.cursor, filter.limit + 1],
  });
  const items = rows.slice(0, filter.limit).map(toRow);
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}

interface DetailRow extends ListedRow {
  readonly detail: string | null;
  readonly amount_is_signed: boolean;
  readonly reference: string | null;
  readonly refund_id: string | null;
  readonly dispute_id: string | null;
  readonly occurred_at: Date | null;
  readonly processed_at: Date | null;
  readonly last_delivery_at: Date;
  readonly job_id: string;
  readonly request_id: string;
  readonly ip: string | null;
  readonly headers: Record<string, string>;
  readonly raw_body: Buffer | null;
}

/** One event with the bytes it came in. */
export async function read(
  db: Queryable,
  id: string,
): Promise<{ readonly event: Omit<WebhookDetail, "body" | "bytes">; readonly rawBody: Buffer | null } | null> {
  const { rows } = await db.query<DetailRow>("SELECT * FROM webhook_events WHERE id = $1", [id]);
  const [row] = rows;
  if (row === undefined) return null;
  return {
    event: {
      ...toRow(row),
      eventKey: row.event_key,
      detail: row.detail,
      amountIsSigned: row.amount_is_signed,
      reference: row.reference,
      refundId: row.refund_id,
      disputeId: row.dispute_id,
      occurredAt: row.occurred_at?.toISOString() ?? null,
      processedAt: row.processed_at?.toISOString() ?? null,
      lastDeliveryAt: row.last_delivery_at.toISOString(),
      jobId: row.job_id,
      requestId: row.request_id,
      ip: row.ip,
      headers: row.headers,
    },
    rawBody: row.raw_body,
  };
}
