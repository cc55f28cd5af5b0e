import type { LiveDriver, LiveTrip, ZoneOutline } from "#server/contracts/console.ts";
import type { MapView } from "#server/contracts/fleet.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import { inZone } from "#server/domain/zones/point-in-zone.ts";

/** `zone`: of `view.zoneId`; null with one means that there is no such zone, and so nothing to see. */
type Filter<T> = (one: T, view: MapView, zone: ZoneOutline | null) => boolean;

const isInside = ({ lat, lng }: Coordinates, [west, south, east, north]: readonly [number, number, number, number]) =>
  lat >= south && lat <= north && (west <= east ? lng >= west && lng <= east : lng >= west || lng <= east);

/** Of nothing chosen all are. */
const isChosen = <T>(of: T, chosen: readonly T[] | undefined): boolean =>
  chosen === undefined || chosen.length === 0 || chosen.includes(of);

export interface MapFilters {
  readonly drivers: Readonly<Record<"place" | "state" | "category" | "zone", Filter<LiveDriver>>>;
  readonly trips: Readonly<Record<"place" | "status" | "zone", Filter<LiveTrip>>>;
}

/** What a map shows: each of these must say yes. The zone's outline comes last, it takes longest. */
export const MAP_FILTERS: MapFilters = {
  drivers: {
    place: (driver, { bounds }) => bounds === undefined || isInside(driver, bounds),
    state: (driver, { states }) => isChosen(driver.state, states),
    category: (driver, { category }) => category === undefined || driver.category === category,
    zone: (driver, { zoneId }, zone) => zoneId === undefined || (zone !== null && inZone(driver, zone)),
  },
  trips: {
    place: ({ pickup, destination }, { bounds }) =>
      bounds === undefined || isInside(pickup, bounds) || isInside(destination, bounds),
    status: (trip, { tripStatuses }) => isChosen(trip.status, tripStatuses),
    zone: (trip, { zoneId }) => zoneId === undefined || trip.zoneId === zoneId,
  },
};
