import { describe, expect, it } from "vitest";
import {
  decodeText,
  field,
  firstId,
  idOf,
  parseJsonObject,
  textOf,
  timeOfIso,
  timeOfMs,
  timeOfSeconds,
  tripIdIn,
} from "#server/domain/payments/webhooks/payload.ts";
import { keyOf } from "#server/domain/payments/webhooks/signature.ts";
import { singleValue } from "#server/domain/payments/webhooks/webhook.ts";

describe("parseJsonObject", () => {
  it("keeps the digits of what no float keeps", () => {
    const body = parseJsonObject('{"id":9007199254740993,"amount":41.10,"sum":1e3,"n":7,"deep":[{"x":-0}]}');
    expect(body).toEqual({ id: "9007199254740993", amount: "41.10", sum: "1e3", n: 7, deep: [{ x: "-0" }] });
  });
  it.each([
    ["an array", "[1]"],
    ["null", "null"],
    ["text", '"a"'],
    ["a piece", '{"a":'],
    ["nothing", ""],
    ["nesting without end", "[".repeat(500_000)],
    ["deep nesting", `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`],
  ])("answers null for %s", (_what, text) => {
    expect(parseJsonObject(Buffer.from(text))).toBeNull();
  });
  it("answers null for bytes that are no UTF-8", () => {
    expect(parseJsonObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeNull();
    expect(decodeText(Buffer.from([0xc0, 0x80]))).toBeNull();
  });
});

describe("field", () => {
  it("finds own properties only", () => {
    const body = parseJsonObject('{"__proto__":{"admin":true},"a":{"b":[{"c":1}]}}');
    expect(field(body, "a", "b", "0", "c")).toBe(1);
    expect(field(body, "constructor")).toBeUndefined();
    expect(field(body, "admin")).toBeUndefined();
    expect(field(body, "a", "b", "map")).toBeUndefined();
    expect(field("text", "length")).toBeUndefined();
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });
});

describe("textOf and idOf", () => {
  it("take short printable text, and ids as numbers too", () => {
    expect(textOf("pay_1")).toBe("pay_1");
    expect(idOf(42)).toBe("42");
    expect(firstId(null, "", {}, "b")).toBe("b");
    expect(firstId(undefined)).toBeNull();
  });
  it.each(["", "a\u0000b", "a\nb", "\u007f", "\ud800", "x".repeat(256), 1.5, -1, null, {}, ["a"]])(
    "take no %j",
    (value) => {
      expect(idOf(value)).toBeNull();
    },
  );
});

describe("tripIdIn", () => {
  const trip = "01993a5e-7c00-7abc-8def-0123456789ab";
  it("finds a trip's id alone or before the number of the attempt", () => {
    expect(tripIdIn(trip)).toBe(trip);
    expect(tripIdIn(undefined, "trip_42", `${trip.toUpperCase()}-2`)).toBe(trip);
  });
  it.each([`${trip}0`, `x${trip}`, `${trip}${trip}`, `${trip}-`, `${trip}\n`, "", 42, { toString: () => trip }])(
    "finds none in %j",
    (value) => {
      expect(tripIdIn(value)).toBeNull();
    },
  );
});

describe("times", () => {
  it("are ISO 8601 UTC", () => {
    expect(timeOfSeconds(1_795_176_000)).toBe("2026-11-20T12:00:00.000Z");
    expect(timeOfMs(1_795_176_000_000)).toBe("2026-11-20T12:00:00.000Z");
    expect(timeOfIso("2026-11-20T08:00:00.000-04:00")).toBe("2026-11-20T12:00:00.000Z");
  });
  it("are null for anything else", () => {
    expect([timeOfSeconds(1e300), timeOfSeconds("1"), timeOfSeconds(-1), timeOfMs(Number.NaN)]).toEqual(
      Array(4).fill(null),
    );
    expect(["2026-11-20", "2026-13-40T99:99:99Z", "2026-11-20T12:00:00", 0, null].map(timeOfIso)).toEqual(
      Array(5).fill(null),
    );
  });
});

describe("singleValue", () => {
  it("looks past case", () => {
    expect(singleValue({ "X-Signature": "a", other: "b" }, "x-signature")).toBe("a");
  });
  it("refuses what came more than once", () => {
    expect(singleValue({ a: ["1"] }, "a")).toBeNull();
    expect(singleValue({ a: "1", A: "1" }, "a")).toBeNull();
    expect(singleValue({ a: undefined }, "a")).toBeNull();
    expect(singleValue({}, "constructor")).toBeNull();
  });
});

describe("keyOf", () => {
  it("tells every two lists of parts apart", () => {
    const keys = [keyOf("a", "b"), keyOf("a:b"), keyOf("a", "b", null), keyOf(null, "a", "b"), keyOf("ab")];
    expect(new Set(keys).size).toBe(keys.length);
  });
  it("fits its column, in printable ASCII", () => {
    expect(keyOf("ü".repeat(255), "b")).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(keyOf("ü b")).toMatch(/^[!-~]+$/);
  });
});
