import type { Coordinates } from "#server/contracts/geo.ts";

const METERS_PER_DEGREE = 111_195;

/** A circle on the globe as the database's plane of degrees has it. */
export interface Around {
  /** Half of the circle's box, in degrees. */
  readonly latDegrees: number;
  readonly lngDegrees: number;
  /** Longitudes to look around: another one where the circle lies across the antimeridian. */
  readonly centres: readonly number[];
  /** Metres that a degree in whichever direction is at least. */
  readonly leastMeters: number;
}

export function around(at: Coordinates, radiusMeters: number): Around {
  const latDegrees = (radiusMeters / METERS_PER_DEGREE) * 1.001;
  const poleward = Math.abs(at.lat) + latDegrees;
  const shrink = poleward < 89.99 ? Math.cos((poleward * Math.PI) / 180) : 0;
  const lngDegrees = Math.min(180, latDegrees / shrink);
  const centres = [at.lng];
  if (at.lng + lngDegrees > 180) centres.push(at.lng - 360);
  if (at.lng - lngDegrees < -180) centres.push(at.lng + 360);
  return { latDegrees, lngDegrees, centres, leastMeters: METERS_PER_DEGREE * shrink * 0.999 };
}
