/** How long things take in a replay, milliseconds of the wall clock. */
export interface Pace {
  /** Times real speed; infinite: as fast as allowed. */
  readonly speed: number;
  thinksMs(random: () => number): number;
  toPickupMs(metres: number): number;
  boardingMs(): number;
  rideMs(seconds: number): number;
}

/** City traffic to the pickup, metres a second. */
const TO_PICKUP_MPS = 7;
const THINKS_MS = { from: 2000, to: 9000 };
const BOARDING_MS = 15_000;
/** At full speed people still take a moment: an answer within the same millisecond is nobody's. */
const FLOOR_MS = 20;
const FASTEST_THINKS_MS = { from: 20, to: 120 };
const FASTEST_STEP_MS = 50;

/** `--speed`: a number above 0, or `0` or `max` for as fast as allowed. Null when it is none of these. */
export function parseSpeed(text: string): number | null {
  if (text === "max") return Number.POSITIVE_INFINITY;
  const speed = Number(text);
  if (text.trim() === "" || !Number.isFinite(speed) || speed < 0) return null;
  return speed === 0 ? Number.POSITIVE_INFINITY : speed;
}

export function paceOf(speed: number): Pace {
  if (speed === Number.POSITIVE_INFINITY) {
    const { from, to } = FASTEST_THINKS_MS;
    return {
      speed,
      thinksMs: (random) => from + (to - from) * random(),
      toPickupMs: () => FASTEST_STEP_MS,
      boardingMs: () => FASTEST_STEP_MS,
      rideMs: () => FASTEST_STEP_MS,
    };
  }
  const scaled = (ms: number) => Math.max(FLOOR_MS, ms / speed);
  return {
    speed,
    thinksMs: (random) => scaled(THINKS_MS.from + (THINKS_MS.to - THINKS_MS.from) * random()),
    toPickupMs: (metres) => scaled((metres / TO_PICKUP_MPS) * 1000),
    boardingMs: () => scaled(BOARDING_MS),
    rideMs: (seconds) => scaled(seconds * 1000),
  };
}
