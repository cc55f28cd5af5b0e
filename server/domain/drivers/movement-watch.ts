import type { SettingValues } from "#server/contracts/settings.ts";
import type { NewAlert } from "#server/domain/alerts/alert-store.ts";
import { judgeMove, type Movement, type Seen } from "#server/domain/drivers/movement.ts";

/** Drivers remembered; the ones seen longest ago are forgotten first. */
const MAX_DRIVERS = 100_000;
/** The same about the same driver is told this seldom: the alert stays open meanwhile. */
const TELL_EVERY_MS = 60_000;

/** Looks at every accepted position, in memory; what cannot be becomes an alert, written off the message's path. */
export class MovementWatch {
  readonly #settings: () => SettingValues;
  readonly #raise: (alert: NewAlert) => void;
  readonly #drivers = new Map<string, { readonly movement: Movement; readonly toldAtMs: number }>();

  constructor(options: { settings: () => SettingValues; raise: (alert: NewAlert) => void }) {
    this.#settings = options.settings;
    this.#raise = options.raise;
  }

  see(driverId: string, seen: Seen): void {
    const before = this.#drivers.get(driverId);
    const settings = this.#settings();
    const { movement, flag } = judgeMove(before?.movement ?? null, seen, {
      speedKmh: settings["abuse.impossible_speed_kmh"],
      jumpMeters: settings["abuse.jump_meters"],
      jumpSeconds: settings["abuse.jump_seconds"],
    });
    const toldBefore = before?.toldAtMs ?? Number.NEGATIVE_INFINITY;
    const tells = flag !== null && seen.receivedAtMs - toldBefore >= TELL_EVERY_MS;
    // Last in line: the first is who was seen longest ago.
    if (before !== undefined) this.#drivers.delete(driverId);
    this.#drivers.set(driverId, { movement, toldAtMs: tells ? seen.receivedAtMs : toldBefore });
    if (this.#drivers.size > MAX_DRIVERS) this.#drivers.delete(this.#drivers.keys().next().value ?? "");
    if (!tells) return;
    const { kind, meters, seconds, kmh } = flag;
    this.#raise({
      kind,
      severity: "warning",
      subject: { type: "driver", id: driverId },
      summary:
        kind === "driver.teleported"
          ? `Position jumped ${(meters / 1000).toFixed(1)} km in ${seconds} s.`
          : `Moves at ${kmh} km/h by its positions.`,
      data: { meters, seconds, kmh, lat: seen.lat, lng: seen.lng },
    });
  }
}
