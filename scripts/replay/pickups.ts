import { StartupError } from "#scripts/services/startup-error.ts";
import type { Coordinates } from "#server/contracts/geo.ts";

/** Somebody who was really picked up somewhere. */
export interface Pickup extends Coordinates {
  /** Epoch milliseconds. */
  readonly at: number;
}

const COLUMNS = ["picked_up_at", "lat", "lng"] as const;
/** Real files write an hour with one digit now and then, which ISO 8601 does not know. */
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d{1,2})(:\d\d.*)$/;

/**
 * Reads CSV with the columns `picked_up_at` (ISO 8601), `lat` and `lng` (degrees) in any order; other columns are ignored.
 * Gives the pickups in the order of time.
 *
 * @throws StartupError naming the first line that is wrong
 */
export function parsePickups(text: string, file: string): Pickup[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const header = (lines[0] ?? "").split(",").map((name) => name.trim().toLowerCase());
  const missing = COLUMNS.filter((name) => !header.includes(name));
  if (missing.length > 0)
    throw new StartupError(`${file}, line 1: no column ${missing.join(", ")}; it needs ${COLUMNS.join(",")}`);
  const column = Object.fromEntries(COLUMNS.map((name) => [name, header.indexOf(name)]));
  const pickups: Pickup[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === "") continue;
    const cells = line.split(",").map((cell) => cell.trim());
    const wrong = (what: string) => new StartupError(`${file}, line ${index + 1}: ${what}`);
    if (cells.length !== header.length)
      throw wrong(`${cells.length} values, but the first line names ${header.length} columns`);
    const cell = (name: string) => cells[column[name] ?? -1] ?? "";
    const degrees = (name: "lat" | "lng", limit: number): number => {
      const value = Number(cell(name));
      if (cell(name) === "" || !Number.isFinite(value) || Math.abs(value) > limit)
        throw wrong(`${name} is "${cell(name)}"; it must be from -${limit} to ${limit} degrees`);
      return value;
    };
    const [, day, hour = "", rest] = TIME.exec(cell("picked_up_at")) ?? [];
    const at = Date.parse(`${day}T${hour.padStart(2, "0")}${rest}`);
    if (Number.isNaN(at))
      throw wrong(`picked_up_at is "${cell("picked_up_at")}"; it must be a time like 2014-04-01T00:11:00-04:00`);
    pickups.push({ at, lat: degrees("lat", 90), lng: degrees("lng", 180) });
  }
  if (pickups.length === 0) throw new StartupError(`${file} has no pickups`);
  return pickups.sort((a, b) => a.at - b.at);
}
