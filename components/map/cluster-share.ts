import { DRIVER_MAP_STATES } from "#server/contracts/fleet.ts";
import type { MapCluster, MapDriverState } from "./map-types.ts";

/** A share of the ring never smaller than this, or one driver of thousands would not be seen. */
const LEAST = 0.03;

export interface RingPart {
  readonly state: MapDriverState;
  readonly count: number;
  /** Where it begins and ends, in parts of the ring. */
  readonly from: number;
  readonly to: number;
}

/** The states of a cluster's drivers as parts of a ring: always in the same order, so that the place tells the state too. */
export function ringOf(states: NonNullable<MapCluster["states"]>): RingPart[] {
  const present = DRIVER_MAP_STATES.flatMap((state) => {
    const count = states[state] ?? 0;
    return count > 0 ? [{ state, count }] : [];
  });
  const total = present.reduce((sum, { count }) => sum + count, 0);
  const shares = present.map(({ count }) => Math.max(LEAST, count / total));
  const whole = shares.reduce((sum, share) => sum + share, 0);
  let from = 0;
  return present.map((part, i) => {
    const to = from + (shares[i] ?? 0) / whole;
    const placed = { ...part, from, to };
    from = to;
    return placed;
  });
}
