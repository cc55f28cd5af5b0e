/**
 * Business settings: what the company decides, not the engineers. Each is a whole number with bounds; the table
 * `business_settings` holds only those that somebody changed.
 */
interface SettingSpec {
  readonly title: string;
  readonly unit: string;
  readonly description: string;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

const spec = (
  title: string,
  unit: string,
  [fallback, min, max]: readonly [fallback: number, min: number, max: number],
  description: string,
): SettingSpec => ({ title, unit, description, fallback, min, max });

export const SETTINGS = {
  "abuse.customer_cancellations_per_hour": spec(
    "Cancellations by a customer in an hour",
    "trips",
    [5, 1, 1000],
    "So many are allowed; the next one within the hour is refused, with the time when it will be possible again.",
  ),
  "abuse.driver_drops_per_day": spec(
    "Accepted trips given up by a driver in a day",
    "trips",
    [10, 1, 200],
    "So many are allowed; with the next one within 24 hours the driver is under review and cannot go available.",
  ),
  "abuse.failed_payments_per_hour": spec(
    "Failed payments of a customer in an hour",
    "payments",
    [3, 1, 50],
    "So many are allowed; with the next one within the hour the customer's payments are blocked for a while.",
  ),
  "abuse.payment_block_minutes": spec(
    "Length of a payment block",
    "minutes",
    [60, 5, 1440],
    "How long a customer cannot pay by card or wallet after too many failed payments. Cash is always possible.",
  ),
  "abuse.impossible_speed_kmh": spec(
    "Impossible speed",
    "km/h",
    [200, 80, 1000],
    "A driver whose positions are faster than this, three in a row, is flagged.",
  ),
  "abuse.jump_meters": spec(
    "Jump: distance",
    "metres",
    [5000, 500, 100_000],
    "A driver whose position jumps further than this within the time below is flagged.",
  ),
  "abuse.jump_seconds": spec("Jump: time", "seconds", [30, 3, 600], "See the distance above."),
  "schedule.min_minutes_ahead": spec(
    "Scheduled trips: soonest",
    "minutes",
    [15, 5, 1440],
    "A trip for later can be booked for so many minutes ahead at the soonest.",
  ),
  "schedule.max_days_ahead": spec(
    "Scheduled trips: latest",
    "days",
    [30, 1, 90],
    "And for so many days ahead at the latest.",
  ),
  "history.days": spec(
    "Positions kept",
    "days",
    [30, 1, 365],
    "Where drivers were is kept for so many days, for replays; then the day is dropped.",
  ),
} as const satisfies Record<string, SettingSpec>;

export type SettingKey = keyof typeof SETTINGS;
export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[];
export type SettingValues = Readonly<Record<SettingKey, number>>;
