import { describe, expect, it } from "vitest";
import type { Gateway } from "#server/contracts/payments.ts";
import { createWebhooks } from "#server/domain/payments/webhooks/gateways.ts";
import {
  type Bag,
  type VerifiedEvent,
  verifiedEvent,
  type WebhookRequest,
} from "#server/domain/payments/webhooks/webhook.ts";
import { FIXTURES } from "./testing/all.ts";
import { json, NOTHING_CONFIGURED, NOW } from "./testing/suite.ts";

/** mulberry32: the same run every time; a failure prints its round. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const NASTY: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  "",
  "\u0000",
  "\ud800",
  "9".repeat(5000),
  "constructor",
  "__proto__",
  "NaN",
  "1e999",
  [],
  [[]],
  {},
  { toString: null },
  { constructor: { prototype: { polluted: true } } },
];

const ROUNDS = 300;
const keysOf = (value: unknown): readonly string[] =>
  typeof value === "object" && value !== null ? Object.keys(value) : [];

/** What a signature covers, and hence what nobody can change. */
const SIGNED: Record<Gateway, "bytes" | "values" | "id" | "nothing"> = {
  stripe: "bytes",
  razorpay: "bytes",
  paystack: "bytes",
  sandbox: "bytes",
  iyzico: "values",
  sslcommerz: "values",
  bkash: "values",
  mercadopago: "id",
  xendit: "nothing",
};

describe.each(Object.values(FIXTURES))("$gateway under hostile input", (fixture) => {
  const random = randomFrom(20_261_120);
  const pick = <T>(values: readonly T[]): T => values[random(values.length)] as T;
  const webhooks = createWebhooks(fixture.config, fixture.signingKeys)[fixture.gateway];
  const unconfigured = createWebhooks(NOTHING_CONFIGURED, fixture.signingKeys)[fixture.gateway];

  /** Somewhere in a JSON value, something else: a wrong type, a missing key, a key of a prototype. */
  function twisted(value: unknown): unknown {
    const keys = keysOf(value);
    if (keys.length === 0 || random(4) === 0) return pick(NASTY);
    const key = pick(keys);
    const entries = Object.entries(value as object).filter(([name]) => name !== key || random(4) > 0);
    const changed = entries.map(([name, inner]) => [name, name === key ? twisted(inner) : inner]);
    if (random(6) === 0) changed.push([pick(["__proto__", "constructor", "toString"]), pick(NASTY)]);
    return Array.isArray(value) ? changed.map(([, inner]) => inner) : Object.fromEntries(changed);
  }

  function mangled(raw: Buffer): Buffer {
    const bytes = Buffer.from(raw);
    switch (random(6)) {
      case 0:
        return Buffer.from(Array.from({ length: random(200) }, () => random(256)));
      case 1:
        return bytes.subarray(0, random(bytes.length));
      case 2:
        bytes[random(bytes.length)] = random(256);
        return bytes;
      case 3:
        return Buffer.from(bytes.toString().replace(/\d+/, () => pick(["1e999", "-0", "9".repeat(400), "0.1e-7"])));
      case 4:
        return Buffer.concat([bytes, bytes]);
      default:
        return bytes.includes("{") ? json(twisted(JSON.parse(bytes.toString()))) : bytes.subarray(random(bytes.length));
    }
  }

  function mangledBag(bag: Bag): Bag {
    const entries = Object.entries(bag).map(([name, value]) => {
      const text = String(value);
      const other = pick([
        undefined,
        "",
        [text],
        [text, text],
        `${text},${text}`,
        text.slice(1),
        "=",
        "t=,v1=",
        "\u0000",
        "é",
      ]);
      return [name, random(3) === 0 ? other : value] as const;
    });
    return Object.fromEntries(entries);
  }

  it("never throws, and lets no change of what is signed pass", async () => {
    const first = await webhooks.verify(fixture.valid);
    if (!first.ok || first.result !== "event") throw new Error("not verified");
    const { kind, paymentId, tripId } = webhooks.parse(first);
    for (let round = 0; round < ROUNDS; round++) {
      const request: WebhookRequest = {
        rawBody: mangled(fixture.valid.rawBody),
        headers: random(2) === 0 ? fixture.valid.headers : mangledBag(fixture.valid.headers),
        query: random(2) === 0 ? fixture.valid.query : mangledBag(fixture.valid.query),
        now: random(20) === 0 ? new Date(Number.NaN) : NOW,
      };
      const verdict = await webhooks.verify(request);
      if (!verdict.ok) continue;
      if (verdict.result !== "event") throw new Error(`round ${round}: ${JSON.stringify(verdict)}`);
      const event = webhooks.parse(verdict);
      switch (SIGNED[fixture.gateway]) {
        case "bytes":
          expect(request.rawBody.equals(fixture.valid.rawBody), `round ${round}`).toBe(true);
          break;
        case "values":
          expect(event, `round ${round}`).toMatchObject({ kind, paymentId, tripId });
          break;
        case "id":
          expect([paymentId, null], `round ${round}`).toContain(event.paymentId);
          break;
        case "nothing":
          break;
      }
    }
  });

  it("never accepts a thing while no secret is set", async () => {
    for (let round = 0; round < 50; round++) {
      const rawBody = round === 0 ? fixture.valid.rawBody : mangled(fixture.valid.rawBody);
      const headers = round % 2 === 0 ? fixture.valid.headers : mangledBag(fixture.valid.headers);
      expect(await unconfigured.verify({ ...fixture.valid, rawBody, headers })).toEqual({
        ok: false,
        reason: "not_configured",
      });
    }
  });

  it("reads any payload at all: a verified sender can still be wrong", async () => {
    const verdict = await webhooks.verify(fixture.valid);
    if (!verdict.ok || verdict.result !== "event") throw new Error("not verified");
    for (let round = 0; round < ROUNDS; round++) {
      const payload = twisted(verdict.payload) as VerifiedEvent["payload"];
      const event = webhooks.parse(verifiedEvent("key", payload));
      expect(event.amount === null || Number.isSafeInteger(event.amount.amount), `round ${round}`).toBe(true);
      for (const id of [event.paymentId, event.refundId, event.disputeId, event.reference, event.tripId]) {
        expect(id === null || (typeof id === "string" && id.length <= 255), `round ${round}`).toBe(true);
      }
    }
  });
});
