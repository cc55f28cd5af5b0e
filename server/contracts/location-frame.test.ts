import { expect, test } from "vitest";
import { plainLocation } from "#server/contracts/location-frame.ts";
import { clientFrameSchema } from "#server/contracts/realtime.ts";
import { seeded } from "#server/testing/seeded.ts";

const VALUES: readonly unknown[] = [
  ...[0, -0, 1, -1, 30.05, 89.999, 90, 90.001, -90, -91, 150, 151, 180, 181, -181, 360, 361, 100_000, 100_001, 1e308],
  ...[
    "",
    "x",
    "x".repeat(64),
    "x".repeat(65),
    null,
    undefined,
    true,
    [],
    {},
    "30",
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ],
  ...["2026-11-26T20:00:00Z", "2026-11-26T20:00:00.123Z", "2026-11-26T20:00:00+02:00", "2026-02-28T00:00:00-11:30"],
  ...["2026-02-30T00:00:00Z", "2026-11-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-26T24:00:00Z"],
  ...["2026-11-26T20:00:60Z", "2026-11-26", "2026-11-26T20:00:00", "2026-11-26T20:00:00+14:00", "0000-01-01T00:00:00Z"],
];
const NAMES = ["lat", "lng", "accuracy", "heading", "speed", "recordedAt", "id", "extra", "type", "__proto__"];

test("whatever the short check takes, the schema takes, and as the same", () => {
  const random = seeded(20_261_126);
  let taken = 0;
  for (let n = 0; n < 30_000; n++) {
    const frame: Record<string, unknown> = { type: "location", lat: 30.05, lng: 31.24 };
    for (let changes = random.below(4); changes > 0; changes--) frame[random.pick(NAMES)] = random.pick(VALUES);
    const json: unknown = JSON.parse(JSON.stringify(frame));
    const short = plainLocation(json);
    if (short === null) continue;
    taken++;
    expect(clientFrameSchema.safeParse(json).data, JSON.stringify(json)).toEqual(short);
  }
  expect(taken).toBeGreaterThan(3000);
});

test("ordinary positions take the short way", () => {
  const recordedAt = new Date(Date.UTC(2026, 10, 26)).toISOString();
  for (const more of [{}, { accuracy: 5, heading: 90, speed: 8.3 }, { recordedAt }, { id: "a" }])
    expect(plainLocation({ type: "location", lat: 30.05, lng: 31.24, ...more })).not.toBeNull();
});
