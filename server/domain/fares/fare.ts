/** A tariff, in minor units of its zone's currency. */
export interface Tariff {
  readonly baseFare: number;
  readonly farePerKm: number;
  readonly farePerMin: number;
  readonly minimumFare: number;
}

/** Base + distance + time, not below the minimum, times surge; rounded to a whole minor unit once, at the end. */
export function fareFor(
  tariff: Tariff,
  trip: { readonly distanceMeters: number; readonly durationSeconds: number; readonly surge: number },
): number {
  const metered =
    tariff.baseFare + (tariff.farePerKm * trip.distanceMeters) / 1000 + (tariff.farePerMin * trip.durationSeconds) / 60;
  return Math.round(Math.max(metered, tariff.minimumFare) * trip.surge);
}
