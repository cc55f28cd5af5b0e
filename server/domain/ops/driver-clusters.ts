import type { DriverMapState, LiveDriver } from "#server/contracts/console.ts";
import type { DriverCluster, MapView } from "#server/contracts/fleet.ts";

/** A cluster's share of the screen, pixels; more where there would be too many of them. */
const CELL_PX = 64;
const WORLD_PX = 256;
/** Clusters in a view: so many stay readable, and well within a frame. */
const MAX_CLUSTERS = 400;

/** Degrees of a cell's side, a power-of-two part of the world: neighbours share their grid whatever they look at. */
function cellDegrees({ bounds, zoom }: Pick<MapView, "bounds" | "zoom">): number {
  let degrees = (360 * CELL_PX) / (WORLD_PX * 2 ** Math.floor(zoom));
  const [west, south, east, north] = bounds ?? [-180, -90, 180, 90];
  // A view may reach over the antimeridian: then its west lies east of its east.
  const width = west <= east ? east - west : 360 - (west - east);
  while ((width / degrees + 1) * (Math.abs(north - south) / degrees + 1) > MAX_CLUSTERS) degrees *= 2;
  return degrees;
}

/** More than there are rows of cells at any zoom. */
const ROWS = 2 ** 26;

interface Cell {
  id: string;
  lat: number;
  lng: number;
  count: number;
  states: Partial<Record<DriverMapState, number>>;
}

/** Drivers gathered by the world's grid, each at the middle of those it stands for. */
export function clusterDrivers(
  drivers: Iterable<{ readonly driver: LiveDriver }>,
  view: Pick<MapView, "bounds" | "zoom">,
): DriverCluster[] {
  const degrees = cellDegrees(view);
  const cells = new Map<number, Cell>();
  for (const {
    driver: { lat, lng, state },
  } of drivers) {
    const [column, row] = [Math.floor(lng / degrees), Math.floor(lat / degrees)];
    // A number: fifty thousand strings a second would be most of the work.
    const key = column * ROWS + row;
    let cell = cells.get(key);
    if (cell === undefined) {
      cell = { id: `${degrees.toPrecision(4)}:${column}:${row}`, lat: 0, lng: 0, count: 0, states: {} };
      cells.set(key, cell);
    }
    cell.lat += lat;
    cell.lng += lng;
    cell.count++;
    cell.states[state] = (cell.states[state] ?? 0) + 1;
  }
  // To about ten metres: a cluster does not move with each of its cars.
  const round = (value: number) => Math.round(value * 1e4) / 1e4;
  return Array.from(cells.values(), ({ id, lat, lng, count, states }) => ({
    id,
    lat: round(lat / count),
    lng: round(lng / count),
    count,
    states,
  }));
}
