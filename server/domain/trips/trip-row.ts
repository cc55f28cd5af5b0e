import { z } from "zod";
import type { Place } from "#server/contracts/geo.ts";
import { placeSchema } from "#server/contracts/geo.ts";
import type { Trip, TripStatus } from "#server/contracts/trips.ts";

/** A row of `tripColumns`: what every reader of a trip gets, in one round trip. */
export interface TripRow {
  readonly id: string;
  readonly ref_id: string;
  readonly type: "ride_request" | "parcel";
  readonly current_status: TripStatus;
  readonly version: number;
  readonly zone_id: string | null;
  readonly category_code: string;
  readonly payment_method: string;
  readonly currency: string;
  readonly estimated_fare: number;
  readonly actual_fare: number | null;
  readonly bidding: boolean;
  readonly agreed_fare: number | null;
  readonly estimated_distance: number;
  readonly estimated_duration: number;
  readonly actual_distance: number | null;
  readonly route_estimated: boolean;
  readonly surge_multiplier: number;
  readonly customer_id: string;
  readonly customer_name: string;
  readonly customer_phone: string | null;
  readonly driver_id: string | null;
  readonly driver_name: string | null;
  readonly driver_phone: string | null;
  readonly vehicle_id: string | null;
  readonly vehicle_plate: string | null;
  readonly vehicle_model: string | null;
  readonly vehicle_category_code: string | null;
  readonly pickup: { readonly x: number; readonly y: number };
  readonly pickup_address: string | null;
  readonly destination: { readonly x: number; readonly y: number };
  readonly destination_address: string | null;
  readonly stops: unknown;
  readonly cancelled_by: string | null;
  readonly cancel_reason: string | null;
  readonly message: string | null;
  readonly scheduled_at: Date | null;
  readonly created_at: Date;
  readonly locked_at: Date | null;
  readonly arrived_at: Date | null;
  readonly trip_start_time: Date | null;
  readonly trip_end_time: Date | null;
}

/** Columns of a trip, from any relation shaped like `trip_requests` under the alias `t`, joined with `TRIP_JOINS`. */
export const TRIP_COLUMNS = `
  t.id, t.ref_id, t.type, t.current_status, t.version, t.zone_id, k.code AS category_code, t.payment_method,
  t.currency, t.estimated_fare, t.actual_fare, t.bidding, t.agreed_fare, t.estimated_distance, t.estimated_duration, t.actual_distance,
  t.route_estimated, t.surge_multiplier,
  t.customer_id, cu.first_name || ' ' || cu.last_name AS customer_name, cu.phone AS customer_phone,
  t.driver_id, du.first_name || ' ' || du.last_name AS driver_name, du.phone AS driver_phone,
  t.vehicle_id, ve.licence_plate_number AS vehicle_plate, ve.model AS vehicle_model, vk.code AS vehicle_category_code,
  co.pickup_coordinates AS pickup, co.pickup_address, co.destination_coordinates AS destination,
  co.destination_address, co.intermediate_coordinates AS stops,
  t.cancelled_by, t.cancel_reason, t.message, t.scheduled_at, t.created_at, t.locked_at, t.arrived_at, t.trip_start_time, t.trip_end_time`;

export const TRIP_JOINS = `
  JOIN trip_request_coordinates co ON co.trip_request_id = t.id
  JOIN vehicle_categories k ON k.id = t.vehicle_category_id
  JOIN users cu ON cu.id = t.customer_id
  LEFT JOIN users du ON du.id = t.driver_id
  LEFT JOIN vehicles ve ON ve.id = t.vehicle_id
  LEFT JOIN vehicle_categories vk ON vk.id = ve.category_id`;

const stopsSchema = z.array(placeSchema);
const iso = (date: Date | null): string | null => date?.toISOString() ?? null;
const place = (point: { x: number; y: number }, address: string | null): Place =>
  address === null ? { lat: point.y, lng: point.x } : { lat: point.y, lng: point.x, address };

/** A trip as a driver sees it who was asked and does not have it: where to, not who. */
export const asOffered = (trip: Trip): Trip => ({
  ...trip,
  customer: { ...trip.customer, phone: "" },
  driverId: null,
  driver: null,
  vehicle: null,
});

export function toTrip(row: TripRow): Trip {
  return {
    id: row.id,
    refId: row.ref_id,
    type: row.type,
    status: row.current_status,
    version: row.version,
    zoneId: row.zone_id,
    vehicleCategory: row.category_code,
    paymentMethod: row.payment_method,
    pickup: place(row.pickup, row.pickup_address),
    destination: place(row.destination, row.destination_address),
    stops: row.stops === null ? [] : stopsSchema.parse(row.stops),
    estimatedFare: { amount: row.estimated_fare, currency: row.currency },
    actualFare: row.actual_fare === null ? null : { amount: row.actual_fare, currency: row.currency },
    bidding: row.bidding,
    agreedFare: row.agreed_fare === null ? null : { amount: row.agreed_fare, currency: row.currency },
    estimatedDistanceMeters: row.estimated_distance,
    estimatedDurationSeconds: row.estimated_duration,
    actualDistanceMeters: row.actual_distance,
    routeEstimated: row.route_estimated,
    surgeMultiplier: row.surge_multiplier,
    customerId: row.customer_id,
    customer: { id: row.customer_id, name: row.customer_name, phone: row.customer_phone ?? "" },
    driverId: row.driver_id,
    driver:
      row.driver_id === null ? null : { id: row.driver_id, name: row.driver_name ?? "", phone: row.driver_phone ?? "" },
    vehicle:
      row.vehicle_id === null
        ? null
        : {
            id: row.vehicle_id,
            plate: row.vehicle_plate ?? "",
            model: row.vehicle_model ?? "",
            category: row.vehicle_category_code ?? "",
          },
    cancelledBy: row.cancelled_by,
    cancelReason: row.cancel_reason,
    message: row.message,
    scheduledAt: iso(row.scheduled_at),
    createdAt: row.created_at.toISOString(),
    acceptedAt: iso(row.locked_at),
    arrivedAt: iso(row.arrived_at),
    startedAt: iso(row.trip_start_time),
    endedAt: iso(row.trip_end_time),
  };
}
