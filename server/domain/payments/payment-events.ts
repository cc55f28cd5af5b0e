import { newId } from "#server/contracts/ids.ts";
import type { PaymentEvent, PaymentEventKind, PaymentEventVerdict } from "#server/contracts/payments.ts";
import type { ConductService } from "#server/domain/conduct/conduct-service.ts";
import type { Effects } from "#server/domain/effects/effects.ts";
import * as store from "#server/domain/payments/webhook-store.ts";
import type { Database } from "#server/platform/db.ts";

/** How an event stands to our books, and why. */
export interface Judgement {
  readonly verdict: PaymentEventVerdict;
  readonly detail: string | null;
  readonly tripId: string | null;
}

/** What the gateway said when it was asked about an event, if it gave reason to doubt it. */
export interface Doubt {
  readonly verdict: Extract<PaymentEventVerdict, "unconfirmed" | "held" | "amount_mismatch" | "currency_mismatch">;
  readonly detail: string;
}

interface DueRow {
  readonly id: string;
  readonly customer_id: string;
  readonly currency: string;
  /** What the ride costs: its fare when it has ended, until then the estimate. */
  readonly due: number;
}

/** Kinds that take what is due, to the last minor unit; of the others only more than that is wrong. */
const EXACT: ReadonlySet<PaymentEventKind> = new Set(["captured", "authorized"]);
/** Kinds that move no money: their amount is what was tried. */
const MOVES_NOTHING: ReadonlySet<PaymentEventKind> = new Set(["failed", "voided"]);

/**
 * Where a verified event meets our books. Today it is judged and put on its trip's timeline; what it then does to
 * payments and the ledger belongs into `record`, inside the same once-only effect.
 */
export class PaymentEvents {
  readonly #db: Database;
  readonly #effects: Effects;
  readonly #conduct: ConductService;

  constructor(options: { db: Database; effects: Effects; conduct: ConductService }) {
    this.#db = options.db;
    this.#effects = options.effects;
    this.#conduct = options.conduct;
  }

  /** Changes nothing. `webhookId`: the event's own row. */
  async judge(webhookId: string, event: PaymentEvent, doubt: Doubt | null): Promise<Judgement> {
    const { pool } = this.#db;
    const named =
      event.tripId ??
      (event.paymentId === null ? null : await store.tripOfPayment(pool, event.gateway, event.paymentId));
    const trip = named === null ? null : await this.#due(named);
    if (trip === null) {
      const detail = named === null ? "It names no trip." : "There is no such trip.";
      return { verdict: "unknown_trip", detail, tripId: named };
    }
    const judged = (verdict: PaymentEventVerdict, detail: string | null) => ({ verdict, detail, tripId: trip.id });
    const { amount, kind } = event;
    if (amount !== null && amount.currency !== trip.currency)
      return judged("currency_mismatch", `The trip is paid in ${trip.currency}, this is ${amount.currency}.`);
    if (amount !== null && !MOVES_NOTHING.has(kind)) {
      const wrong = EXACT.has(kind) ? amount.amount !== trip.due : amount.amount > trip.due;
      if (wrong) return judged("amount_mismatch", `${amount.amount} here, ${trip.due} due (minor units).`);
    }
    if (doubt !== null) return judged(doubt.verdict, doubt.detail);
    if (amount === null && event.amountIsSigned && EXACT.has(kind))
      return judged("amount_mismatch", "It says no amount that can be read.");
    if (await store.hasLaterEvent(pool, webhookId, event))
      return judged("out_of_order", "A later event of this payment was processed before.");
    if (!event.amountIsSigned && !MOVES_NOTHING.has(kind))
      return judged("unconfirmed", "The gateway signs no amount: look the payment up before money moves.");
    return judged("matched", null);
  }

  /** Puts the event on its trip's timeline, and counts a payment that failed: once, whatever happens to the job. */
  async record(event: PaymentEvent, { verdict, detail, tripId }: Judgement, jobId: string): Promise<void> {
    if (tripId === null || verdict === "unknown_trip") return;
    const subject = `${event.gateway}:${event.eventKey}`;
    // The gateway's word that a payment failed is enough to count it, be its amount in doubt or not.
    const failed = event.kind === "failed" ? await this.#due(tripId) : null;
    const thresholds = failed === null ? null : await this.#conduct.thresholds();
    const blocked = { now: false };
    await this.#effects.inDatabase({
      key: { effect: "payment.event", subject, tripId, jobId },
      work: async (tx) => {
        const data = { gateway: event.gateway, verdict, detail, amount: event.amount, paymentId: event.paymentId };
        await tx.query(
          `INSERT INTO trip_events (id, trip_request_id, kind, actor_type, data, at) VALUES ($1, $2, $3, 'system', $4, now())`,
          [newId(), tripId, `payment.${event.kind}`, JSON.stringify(data)],
        );
        if (failed !== null && thresholds !== null)
          blocked.now = await this.#conduct.paymentFailed(tx, failed.customer_id, tripId, thresholds);
      },
    });
    if (blocked.now) this.#conduct.announceBlock();
  }

  async #due(tripId: string): Promise<DueRow | null> {
    const { rows } = await this.#db.pool.query<DueRow>({
      name: "payment-due",
      text: "SELECT id, customer_id, currency, COALESCE(actual_fare, estimated_fare) AS due FROM trip_requests WHERE id = $1",
      values: [tripId],
    });
    return rows[0] ?? null;
  }
}
