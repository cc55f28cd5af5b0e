import { describe, expect, it } from "vitest";
import { fingerprintOf } from "#server/domain/ops/job-service.ts";
import { verdictOf } from "#server/domain/ops/lock-service.ts";
import { mask } from "#server/domain/ops/mask.ts";

const [A, B] = ["0198a8a8-0000-7000-8000-00000000000a", "0198a8a8-0000-7000-8000-00000000000b"];
const lock = (change: object = {}) => ({
  key: "k",
  tripId: "t",
  value: `${A}:x`,
  ownerDriverId: A,
  ageMs: 60_000,
  ttlMs: 200_000,
  ...change,
});
const trip = (change: object = {}) => ({
  id: "t",
  ref_id: "T1",
  current_status: "accepted" as const,
  driver_id: A,
  driver_name: "A",
  accepted_seconds: 60,
  started: false,
  ...change,
});

describe("verdictOf", () => {
  it.each([
    ["healthy", lock(), trip()],
    ["healthy", lock(), trip({ current_status: "ongoing", started: true, accepted_seconds: 9000 })],
    ["in_flight", lock({ ageMs: 20 }), trip({ current_status: "pending", driver_id: null })],
    ["orphaned", lock(), trip({ current_status: "pending", driver_id: null })],
    ["orphaned", lock(), trip({ current_status: "cancelled" })],
    ["foreign", lock({ ownerDriverId: B }), trip()],
    ["overdue", lock(), trip({ accepted_seconds: 3700 })],
    ["no_ttl", lock({ ttlMs: null }), trip()],
    ["unknown_trip", lock(), null],
  ])("%s", (verdict, held, row) => {
    expect(verdictOf(held, row).verdict).toBe(verdict);
  });
});

describe("failed jobs", () => {
  it("of one cause have one fingerprint", () => {
    const one = fingerprintOf(`sms answered 503: trip ${A}\n at x`);
    expect(fingerprintOf(`sms answered 502: trip ${B}`)).toBe(one);
    expect(fingerprintOf("fcm answered 503")).not.toBe(one);
  });
  it("show no personal data or secrets", () => {
    expect(mask({ tripId: "t", phone: "+20", nested: [{ otpCode: "1234", keep: 1 }] })).toEqual({
      tripId: "t",
      phone: "•••",
      nested: [{ otpCode: "•••", keep: 1 }],
    });
  });
});
