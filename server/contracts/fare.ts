/** A tariff, in minor units of its zone's currency. */
export interface Tariff {
  readonly baseFare: number;
  readonly farePerKm: number;
  readonly farePerMin: number;
  readonly minimumFare: number;
}

/** The most that the trips' columns hold. */
const MAX_FARE = 2 ** 31 - 1;

/** Base + distance + time, not below the minimum, times surge; rounded to a whole minor unit once, at the end, a half up. */
export function fareFor(
  tariff: Tariff,
  trip: { readonly distanceMeters: number; readonly durationSeconds: number; readonly surge: number },
): number {
  // In whole numbers up to the one division, so that a half is a half: surge in hundredths, fares in parts of 60,000.
  const metered =
    tariff.baseFare * 60_000 +
    tariff.farePerKm * trip.distanceMeters * 60 +
    tariff.farePerMin * trip.durationSeconds * 1000;
  const surgedParts = Math.max(metered, tariff.minimumFare * 60_000) * Math.round(trip.surge * 100);
  return Math.min(MAX_FARE, Math.round(surgedParts / 6_000_000));
}
