import type { Gateway } from "#server/contracts/payments.ts";
import { createWebhooks, type WebhookConfig } from "#server/domain/payments/webhooks/gateways.ts";
import { createSigningKeys, type SigningKeys } from "#server/domain/payments/webhooks/sns-certificate.ts";
import type { RefusalReason, Verdict, WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";

export const NOW = new Date("2026-11-20T12:00:00.000Z");
export const TRIP = "01993a5e-7c00-7abc-8def-0123456789ab";
export const minutesFromNow = (minutes: number): Date => new Date(NOW.getTime() + minutes * 60_000);

export const NOTHING_CONFIGURED: WebhookConfig = {
  stripe: null,
  razorpay: null,
  paystack: null,
  mercadopago: null,
  xendit: null,
  iyzico: null,
  sslcommerz: null,
  bkash: null,
  sandbox: null,
};

/** Keys of no certificate: whoever asks for one gets an error. */
export const noSigningKeys: SigningKeys = createSigningKeys(() => Promise.reject(new Error("no network in tests")));

/** One delivery and what must come of it. `key`: its event key against that of the fixture's `valid` delivery. */
export interface Case {
  readonly name: string;
  readonly request: WebhookRequest;
  readonly expected: RefusalReason | "event" | "subscription";
  readonly key?: "same" | "other";
  /** Instead of the fixture's. */
  readonly config?: WebhookConfig;
}

/** How one gateway's deliveries are made, and what must happen to the ones that somebody tampered with. */
export interface Fixture {
  readonly gateway: Gateway;
  /** With two secrets, a new and an old one. */
  readonly config: WebhookConfig;
  readonly signingKeys: SigningKeys;
  readonly valid: WebhookRequest;
  /** Another event, or a later one about the same payment. */
  readonly another: WebhookRequest;
  readonly byOldSecret: WebhookRequest;
  readonly byWrongSecret: WebhookRequest;
  readonly forgedSignature: WebhookRequest;
  readonly unsigned: WebhookRequest;
  /** The same fields in other bytes: refused where the bytes are signed, let pass where only values are. */
  readonly reserialised: { readonly request: WebhookRequest; readonly expected: RefusalReason | "event" };
  readonly truncatedIs: RefusalReason;
  /** Only for gateways that sign a stamp. */
  readonly stamped: { readonly stale: WebhookRequest; readonly future: WebhookRequest } | null;
  readonly unknownKind: WebhookRequest;
  readonly more: readonly Case[];
}

const shortened = (request: WebhookRequest): WebhookRequest => ({
  ...request,
  rawBody: request.rawBody.subarray(0, Math.floor(request.rawBody.length / 2)),
});

const renamed = (request: WebhookRequest, rename: (name: string) => string): WebhookRequest => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [rename(name), value])),
});

/** What every gateway has to do, and what only this one has. */
export function casesOf(fixture: Fixture): readonly Case[] {
  const { valid, stamped } = fixture;
  return [
    { name: "a valid delivery", request: valid, expected: "event" },
    {
      name: "the same again",
      request: { ...valid, now: new Date(NOW.getTime() + 60_000) },
      expected: "event",
      key: "same",
    },
    { name: "another event", request: fixture.another, expected: "event", key: "other" },
    {
      name: "headers in capitals",
      request: renamed(valid, (name) => name.toUpperCase()),
      expected: "event",
      key: "same",
    },
    { name: "the old secret in rotation", request: fixture.byOldSecret, expected: "event" },
    { name: "a wrong secret", request: fixture.byWrongSecret, expected: "mismatch" },
    { name: "a forged signature", request: fixture.forgedSignature, expected: "mismatch" },
    { name: "no signature", request: fixture.unsigned, expected: "no_signature" },
    { name: "a truncated body", request: shortened(valid), expected: fixture.truncatedIs },
    { name: "a re-serialised body", ...fixture.reserialised },
    { name: "an unknown event", request: fixture.unknownKind, expected: "event" },
    { name: "no secret configured", request: valid, config: NOTHING_CONFIGURED, expected: "not_configured" },
    ...(stamped === null
      ? []
      : [
          { name: "a stale stamp", request: stamped.stale, expected: "outside_tolerance" as const },
          { name: "a stamp from the future", request: stamped.future, expected: "outside_tolerance" as const },
        ]),
    ...fixture.more,
  ];
}

export type Verify = (request: WebhookRequest, config: WebhookConfig) => Promise<Verdict>;

export const verifierOf =
  (fixture: Fixture): Verify =>
  (request, config) =>
    createWebhooks(config, fixture.signingKeys)[fixture.gateway].verify(request);

/** What is wrong with a verifier's answer to a case; null when it is right. */
export async function faultOf(fixture: Fixture, one: Case, verify: Verify): Promise<string | null> {
  const verdict = await verify(one.request, one.config ?? fixture.config);
  const outcome = verdict.ok ? verdict.result : verdict.reason;
  if (outcome !== one.expected) return `${one.name}: ${outcome}, not ${one.expected}`;
  if (one.key === undefined || !verdict.ok) return null;
  const first = await verify(fixture.valid, fixture.config);
  const key = first.ok && first.eventKey === verdict.eventKey ? "same" : "other";
  return key === one.key ? null : `${one.name}: ${key} key`;
}

/** The names of the cases that this verifier gets wrong. */
export async function faultsOf(fixture: Fixture, verify: Verify): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const one of casesOf(fixture)) if ((await faultOf(fixture, one, verify)) !== null) wrong.push(one.name);
  return wrong;
}

/** The last hex digit turned into another. */
export const flipped = (hex: string): string => hex.slice(0, -1) + (hex.endsWith("0") ? "1" : "0");
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
/** The same JSON in other bytes. */
export const respaced = (rawBody: Buffer): Buffer =>
  Buffer.from(JSON.stringify(JSON.parse(rawBody.toString()), null, 1));
