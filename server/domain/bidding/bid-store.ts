import type { Bid } from "#server/contracts/matching.ts";
import type { TripStatus } from "#server/contracts/trips.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface TripToBidFor {
  readonly current_status: TripStatus;
  readonly bidding: boolean;
  readonly currency: string;
  readonly estimated_fare: number;
  readonly vehicle_category_id: string;
  /** What the zone set for itself. */
  readonly settings: unknown;
  /** The driver was asked for this trip. */
  readonly asked: boolean;
}

/** Holds the trip as it is while a bid is made: an accept waits, or is seen. Bids of several drivers do not wait for one another. */
export async function holdTrip(tx: Queryable, tripId: string, driverId: string): Promise<TripToBidFor | null> {
  const { rows } = await tx.query<TripToBidFor>({
    name: "bid-trip",
    text: `SELECT t.current_status, t.bidding, t.currency, t.estimated_fare, t.vehicle_category_id,
             (SELECT m.settings FROM zone_matching_settings m WHERE m.zone_id = t.zone_id) AS settings,
             EXISTS (SELECT 1 FROM trip_offers o WHERE o.trip_request_id = t.id AND o.driver_id = $2) AS asked
           FROM trip_requests t WHERE t.id = $1 FOR SHARE OF t`,
    values: [tripId, driverId],
  });
  return rows[0] ?? null;
}

export interface Bidder {
  readonly is_online: boolean;
  readonly availability_status: string;
  readonly is_active: boolean;
  readonly category_id: string | null;
}

/** Locks the driver's row: one bid of a driver after another. Trips before drivers, as everywhere. */
export async function lockBidder(tx: Queryable, driverId: string): Promise<Bidder | null> {
  const { rows } = await tx.query<Bidder>({
    name: "bid-driver",
    text: `SELECT d.is_online, d.availability_status, u.is_active, v.category_id
           FROM driver_details d JOIN users u ON u.id = d.user_id LEFT JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active
           WHERE d.user_id = $1 FOR NO KEY UPDATE OF d`,
    values: [driverId],
  });
  return rows[0] ?? null;
}

export interface NewBid {
  readonly id: string;
  readonly tripId: string;
  readonly driverId: string;
  readonly fare: number;
}

/** The driver's bid for the trip: a new one takes the place of the last. */
export async function putBid(tx: Queryable, bid: NewBid): Promise<void> {
  await tx.query({
    name: "bid-replace",
    text: `UPDATE fare_biddings SET status = 'replaced', reason = 'the driver named another fare', ended_at = now()
           WHERE trip_request_id = $1 AND driver_id = $2 AND status = 'open'`,
    values: [bid.tripId, bid.driverId],
  });
  await tx.query({
    name: "bid-insert",
    text: "INSERT INTO fare_biddings (id, trip_request_id, driver_id, bid_fare) VALUES ($1, $2, $3, $4)",
    values: [bid.id, bid.tripId, bid.driverId, bid.fare],
  });
}

const BIDS = `
SELECT b.id, b.trip_request_id, b.driver_id, b.bid_fare, b.status, b.created_at, t.currency,
  u.first_name || ' ' || u.last_name AS driver_name, v.id AS vehicle_id, v.licence_plate_number AS plate, v.model, k.code AS category
FROM fare_biddings b
JOIN trip_requests t ON t.id = b.trip_request_id
JOIN users u ON u.id = b.driver_id
LEFT JOIN vehicles v ON v.driver_id = b.driver_id AND v.is_active
LEFT JOIN vehicle_categories k ON k.id = v.category_id`;

interface BidRow {
  readonly id: string;
  readonly trip_request_id: string;
  readonly driver_id: string;
  readonly bid_fare: number;
  readonly status: Bid["status"];
  readonly created_at: Date;
  readonly currency: string;
  readonly driver_name: string;
  readonly vehicle_id: string | null;
  readonly plate: string | null;
  readonly model: string | null;
  readonly category: string | null;
}

/** The driver's phone is told once they have the trip. */
const toBid = (row: BidRow): Bid => ({
  id: row.id,
  tripId: row.trip_request_id,
  driver: { id: row.driver_id, name: row.driver_name, phone: "" },
  vehicle: {
    id: row.vehicle_id ?? "",
    plate: row.plate ?? "",
    model: row.model ?? "",
    category: row.category ?? "",
  },
  amount: { amount: row.bid_fare, currency: row.currency },
  status: row.status,
  createdAt: row.created_at.toISOString(),
});

export async function findBid(db: Queryable, tripId: string, bidId: string): Promise<Bid | null> {
  const { rows } = await db.query<BidRow>({
    name: "bid-by-id",
    text: `${BIDS} WHERE b.id = $2 AND b.trip_request_id = $1`,
    values: [tripId, bidId],
  });
  return rows[0] === undefined ? null : toBid(rows[0]);
}

/** Of a trip: those that can be taken first, the lowest first. */
export async function listBids(db: Queryable, tripId: string): Promise<Bid[]> {
  const { rows } = await db.query<BidRow>({
    name: "bids-of-trip",
    text: `${BIDS} WHERE b.trip_request_id = $1 ORDER BY b.status <> 'open', b.bid_fare, b.id LIMIT 200`,
    values: [tripId],
  });
  return rows.map(toBid);
}

export interface EndedBid {
  readonly id: string;
  readonly driver_id: string;
  readonly trip_request_id: string;
}

/** Closes open bids for a trip, or of a driver, or both. */
export async function closeBids(
  tx: Queryable,
  of: { readonly tripId: string | null; readonly driverId: string | null },
  reason: string,
): Promise<EndedBid[]> {
  const { rows } = await tx.query<EndedBid>({
    name: "bids-close",
    text: `UPDATE fare_biddings SET status = 'closed', reason = $3, ended_at = now()
           WHERE id IN (
             SELECT id FROM fare_biddings WHERE trip_request_id = $1 AND status = 'open'
             UNION SELECT id FROM fare_biddings WHERE driver_id = $2 AND status = 'open'
           ) AND status = 'open' RETURNING id, driver_id, trip_request_id`,
    values: [of.tripId, of.driverId, reason],
  });
  return rows;
}
