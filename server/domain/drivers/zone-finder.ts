import type { Coordinates } from "#server/contracts/geo.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Queryable } from "#server/platform/db.ts";

/** An edited zone is seen after this long at most. */
const FRESH_MS = 5000;

interface Area {
  readonly zoneId: string;
  readonly lngs: readonly number[];
  readonly lats: readonly number[];
  readonly box: { readonly west: number; readonly south: number; readonly east: number; readonly north: number };
  readonly holes: readonly Area[];
}

/** Areas of active zones in the order that decides: the first that holds a point is its zone. */
const AREAS = `
SELECT a.zone_id, a.part, a.is_hole, a.area::text AS area FROM zone_areas a JOIN zones z ON z.id = a.zone_id AND z.is_active
ORDER BY z.priority DESC, z.id`;

function readArea(zoneId: string, text: string, holes: readonly Area[]): Area {
  const numbers = (text.match(/-?[\d.]+(?:e[+-]?\d+)?/gi) ?? []).map(Number);
  const lngs = numbers.filter((_, i) => i % 2 === 0);
  const lats = numbers.filter((_, i) => i % 2 === 1);
  const box = { west: Math.min(...lngs), south: Math.min(...lats), east: Math.max(...lngs), north: Math.max(...lats) };
  return { zoneId, lngs, lats, box, holes };
}

/** Even–odd rule. */
function holds({ lngs, lats, box }: Area, lng: number, lat: number): boolean {
  if (lng < box.west || lng > box.east || lat < box.south || lat > box.north) return false;
  let inside = false;
  for (let i = 0, j = lngs.length - 1; i < lngs.length; j = i++) {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = [lngs[i], lats[i], lngs[j], lats[j]];
    if (y1 > lat !== y2 > lat && lng < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

/**
 * The zone of a position, from polygons in memory: for the many positions that are only shown and counted by zone, in the
 * place of a look-up in the database for each. A trip's zone is always the database's to say (`findZoneAt`).
 */
export class ZoneFinder {
  readonly #clock: Clock;
  #areas: readonly Area[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads the zones anew when it is time. */
  async refresh(db: Queryable): Promise<void> {
    const now = this.#clock.monotonicMs();
    if (now - this.#readAtMs < FRESH_MS) return;
    const { rows } = await db.query<{ zone_id: string; part: number; is_hole: boolean; area: string }>({
      name: "zone-areas-all",
      text: AREAS,
    });
    const holesOf = (outer: (typeof rows)[number]) =>
      rows.filter((row) => row.is_hole && row.zone_id === outer.zone_id && row.part === outer.part);
    this.#areas = rows
      .filter((row) => !row.is_hole)
      .map((row) => {
        const holes = holesOf(row).map((hole) => readArea(hole.zone_id, hole.area, []));
        return readArea(row.zone_id, row.area, holes);
      });
    this.#readAtMs = now;
  }

  /** Null: in no zone. */
  at({ lat, lng }: Coordinates): string | null {
    for (const area of this.#areas)
      if (holds(area, lng, lat) && !area.holes.some((hole) => holds(hole, lng, lat))) return area.zoneId;
    return null;
  }
}
