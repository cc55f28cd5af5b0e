import type pg from "pg";
import type { TripStatus } from "#server/contracts/trips.ts";

const FINAL: ReadonlySet<TripStatus> = new Set(["completed", "cancelled", "expired"]);

/** Follows the replay's trips in the database until each has ended. */
export class TripWatch {
  readonly #client: pg.Client;
  readonly #open = new Map<string, TripStatus>();
  readonly #ended = new Map<string, TripStatus>();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  add(tripId: string): void {
    this.#open.set(tripId, "pending");
  }

  /** Trips that wait for a driver, as far as is known. */
  get waiting(): number {
    let waiting = 0;
    for (const status of this.#open.values()) if (status === "pending") waiting++;
    return waiting;
  }

  get openIds(): readonly string[] {
    return [...this.#open.keys()];
  }

  ended(status: TripStatus): number {
    let count = 0;
    for (const one of this.#ended.values()) if (one === status) count++;
    return count;
  }

  get total(): number {
    return this.#open.size + this.#ended.size;
  }

  /** Known at once, without asking. */
  accepted(tripId: string): void {
    if (this.#open.has(tripId)) this.#open.set(tripId, "accepted");
  }

  async refresh(): Promise<void> {
    if (this.#open.size === 0) return;
    const { rows } = await this.#client.query<{ id: string; status: TripStatus }>(
      "SELECT id, current_status AS status FROM trip_requests WHERE id = ANY($1)",
      [this.openIds],
    );
    for (const { id, status } of rows) {
      if (FINAL.has(status)) {
        this.#open.delete(id);
        this.#ended.set(id, status);
      } else this.#open.set(id, status);
    }
  }

  /** Milliseconds, by the database's clock, of every trip that was followed. */
  async timings(): Promise<Timings> {
    const { rows } = await this.#client.query<{
      status: TripStatus;
      to_offer: number | null;
      to_accept: number | null;
      batches: number;
      looked: boolean;
    }>(
      `SELECT t.current_status AS status, extract(epoch FROM o.first - t.created_at)::float8 * 1000 AS to_offer,
         extract(epoch FROM t.locked_at - t.created_at)::float8 * 1000 AS to_accept, coalesce(o.batches, 0)::int AS batches,
         EXISTS (SELECT 1 FROM trip_events e WHERE e.trip_request_id = t.id AND e.kind = 'dispatch.nobody_near') AS looked
       FROM trip_requests t
       LEFT JOIN LATERAL (SELECT min(offered_at) AS first, max(batch) AS batches FROM trip_offers WHERE trip_request_id = t.id) o ON true
       WHERE t.id = ANY($1)`,
      [[...this.#ended.keys(), ...this.#open.keys()]],
    );
    const assigned = rows.filter((row) => row.to_accept !== null);
    const unoffered = rows.filter((row) => row.status === "expired" && row.to_offer === null);
    const present = (values: (number | null)[]) => values.filter((value) => value !== null);
    return {
      toAssignment: present(assigned.map((row) => row.to_accept)),
      toFirstOffer: present(assigned.map((row) => row.to_offer)),
      offerToAccept: assigned.flatMap((row) =>
        row.to_offer === null || row.to_accept === null ? [] : [row.to_accept - row.to_offer],
      ),
      moreThanOneBatch: assigned.filter((row) => row.batches > 1).length,
      expiredNobodyNear: unoffered.filter((row) => row.looked).length,
      expiredUnsearched: unoffered.filter((row) => !row.looked).length,
    };
  }
}

/** Milliseconds, of assigned trips; and counts. */
export interface Timings {
  readonly toAssignment: readonly number[];
  readonly toFirstOffer: readonly number[];
  readonly offerToAccept: readonly number[];
  readonly moreThanOneBatch: number;
  /** Expired without one offer: the platform looked, and no driver was near. */
  readonly expiredNobodyNear: number;
  /** Expired without anybody having looked for a driver: the search's time passed in a queue. */
  readonly expiredUnsearched: number;
}
