import { basename } from "node:path";
import { parseArgs } from "node:util";
import { parseSpeed } from "#scripts/replay/pace.ts";

export const USAGE =
  "usage: npm run replay -- --zones FILE.geojson --pickups FILE.csv [--speed X|max] [--drivers N] [--limit N] [--json]";

export interface ReplayOptions {
  readonly zonesFile: string;
  readonly pickupsFile: string;
  /** Times real speed; infinite: as fast as allowed. */
  readonly speed: number;
  readonly drivers: number;
  /** Pickups taken, from the earliest. */
  readonly limit: number;
  readonly json: boolean;
}

/** Null when the arguments make no sense. */
export function parseOptions(args: readonly string[]): ReplayOptions | null {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        zones: { type: "string" },
        pickups: { type: "string" },
        speed: { type: "string", default: "max" },
        drivers: { type: "string", default: "600" },
        limit: { type: "string", default: "5000" },
        json: { type: "boolean", default: false },
      },
    }));
  } catch {
    return null;
  }
  const { zones, pickups } = values;
  const speed = parseSpeed(String(values.speed));
  const [drivers, limit] = [Number(values.drivers), Number(values.limit)];
  const isCount = (n: number, most: number) => Number.isInteger(n) && n >= 1 && n <= most;
  if (typeof zones !== "string" || typeof pickups !== "string" || speed === null) return null;
  if (!isCount(drivers, 20_000) || !isCount(limit, 10_000_000)) return null;
  return { zonesFile: zones, pickupsFile: pickups, speed, drivers, limit, json: values.json === true };
}

/** `taxi-zones.geojson` → `taxi-zones-`: keeps one file's zone codes apart from another's. */
export const codePrefixOf = (zonesFile: string): string => `${basename(zonesFile).replace(/\.\w+$/, "")}-`;
