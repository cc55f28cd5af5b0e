import { DomainError } from "#server/contracts/errors.ts";
import { topics } from "#server/contracts/realtime.ts";
import type { SettingValues } from "#server/contracts/settings.ts";
import type { AlertService } from "#server/domain/alerts/alert-service.ts";
import { resolveBySubject } from "#server/domain/alerts/alert-store.ts";
import * as store from "#server/domain/conduct/conduct-store.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import type { SettingsService } from "#server/domain/settings/settings-service.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database, Queryable } from "#server/platform/db.ts";

const HOUR = 3600;
const DAY = 86_400;
const UNDER_REVIEW = "driver.under_review";
const inMinutes = (seconds: number) => `${Math.ceil(seconds / 60)} min`;

/**
 * What people do too often (audit 7.5), by the thresholds in the business settings: counted in the transaction of what
 * they do, one at a time for a person, so that two at the same moment cannot both be the last allowed one.
 */
export class ConductService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #alerts: AlertService;
  readonly #settings: SettingsService;

  constructor(options: { db: Database; bus: EventBus; alerts: AlertService; settings: SettingsService }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#alerts = options.alerts;
    this.#settings = options.settings;
  }

  /** To be read before the transaction that uses them: it must not wait for a second connection. */
  thresholds(): Promise<SettingValues> {
    return this.#settings.values();
  }

  /** RATE_LIMIT_EXCEEDED, with the time until it is possible again, when the customer has used up their cancellations. */
  async customerCancels(tx: Queryable, customerId: string, tripId: string, thresholds: SettingValues): Promise<void> {
    await store.lockConduct(tx, customerId);
    const allowed = thresholds["abuse.customer_cancellations_per_hour"];
    const what = { userId: customerId, kind: "trip_cancelled", seconds: HOUR } as const;
    const { count, freeInSeconds } = await store.countConduct(tx, what);
    if (count >= allowed)
      throw new DomainError(
        "RATE_LIMIT_EXCEEDED",
        `You have cancelled ${count} trips within the last hour, and ${allowed} are allowed. The trip goes on; you can cancel again in ${inMinutes(freeInSeconds)}, or call support.`,
        { retryAfterSeconds: freeInSeconds },
      );
    await store.addConduct(tx, { userId: customerId, kind: "trip_cancelled", tripId });
  }

  /** A driver gives up a trip they accepted. Answers whether they are under review from now on: `announceReview` then. */
  async driverDrops(tx: Queryable, driverId: string, tripId: string, thresholds: SettingValues): Promise<boolean> {
    const review = await store.lockReview(tx, driverId);
    if (review === null) return false;
    await store.addConduct(tx, { userId: driverId, kind: "trip_dropped", tripId });
    const since = review.review_since;
    const { count } = await store.countConduct(tx, { userId: driverId, kind: "trip_dropped", seconds: DAY, since });
    if (review.under_review || count <= thresholds["abuse.driver_drops_per_day"]) return false;
    const reason = `Gave up ${count} accepted trips within 24 hours`;
    await store.putUnderReview(tx, driverId, reason);
    await this.#alerts.raiseWith(tx, {
      kind: UNDER_REVIEW,
      severity: "warning",
      subject: { type: "driver", id: driverId },
      summary: `${reason}; takes no trips until somebody has looked at it.`,
      data: { count, lastTripId: tripId },
    });
    return true;
  }

  /** After the commit. */
  announceReview(driverId: string): void {
    this.#alerts.announce();
    this.#bus.publish(topics.drivers, "changed", { ids: [driverId] });
  }

  /** An operator ends a review; what led to it no longer counts. VERSION_CONFLICT when there is none. */
  async endReview(
    actor: { readonly id: string; readonly name: string },
    change: { readonly driverId: string; readonly reason: string },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    const { driverId, reason } = change;
    await this.#db.transaction(async (tx) => {
      const review = await store.lockReview(tx, driverId);
      if (review === null) throw new DomainError("NOT_FOUND", "There is no such driver.");
      if (!review.under_review)
        throw new DomainError("VERSION_CONFLICT", `${review.name} is not under review. Nothing was changed.`);
      await store.endReview(tx, driverId);
      const alert = { kind: UNDER_REVIEW, subject: { type: "driver", id: driverId } } as const;
      await resolveBySubject(tx, alert, { ...actor, resolution: reason });
      await record(
        tx,
        { type: "driver", id: driverId },
        { before: { underReview: true, why: review.review_reason }, after: { underReview: false } },
      );
      await remember(tx, claim, undefined);
    });
    this.announceReview(driverId);
  }

  /**
   * Counts a payment that failed, in the transaction that stores it; after too many the customer's payments are blocked.
   * Answers whether they are from now on: `announceBlock` then.
   */
  async paymentFailed(
    tx: Queryable,
    customerId: string,
    tripId: string | null,
    thresholds: SettingValues,
  ): Promise<boolean> {
    await store.lockConduct(tx, customerId);
    await store.addConduct(tx, { userId: customerId, kind: "payment_failed", tripId });
    const { count } = await store.countConduct(tx, { userId: customerId, kind: "payment_failed", seconds: HOUR });
    if (count <= thresholds["abuse.failed_payments_per_hour"]) return false;
    const minutes = thresholds["abuse.payment_block_minutes"];
    const until = await store.blockPayments(tx, customerId, minutes);
    await this.#alerts.raiseWith(tx, {
      kind: "payments.blocked",
      severity: "warning",
      subject: { type: "customer", id: customerId },
      summary: `${count} payments failed within an hour; payments are blocked for ${minutes} min.`,
      data: { count, until: until.toISOString(), tripId },
    });
    return true;
  }

  /** After the commit. */
  announceBlock(): void {
    this.#alerts.announce();
  }

  /** FORBIDDEN, with the time until it ends, while the customer's payments are blocked. For what is to start a payment. */
  async assertMayPay(db: Queryable, customerId: string): Promise<void> {
    const seconds = await store.paymentBlockSeconds(db, customerId);
    if (seconds > 0)
      throw new DomainError(
        "FORBIDDEN",
        `Too many payments failed. Pay in cash, or try again in ${inMinutes(seconds)}. Nothing was charged.`,
        { retryAfterSeconds: seconds },
      );
  }
}
