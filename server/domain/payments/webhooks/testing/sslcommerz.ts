import { sslCommerzDigest } from "#server/domain/payments/webhooks/sslcommerz.ts";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { type Case, type Fixture, flipped, NOTHING_CONFIGURED, NOW, noSigningKeys, TRIP } from "./suite.ts";

export type Form = Readonly<Record<string, string>>;

export const paidForm: Form = {
  amount: "41.50",
  bank_tran_id: "bank1",
  card_issuer: "STANDARD CHARTERED BANK",
  currency: "BDT",
  error: "",
  status: "VALID",
  store_id: "store1",
  tran_date: "2026-11-20 18:00:00",
  tran_id: "tran1",
  val_id: "val1",
  value_a: TRIP,
};

export const sendForm = (form: Form): WebhookRequest => ({
  rawBody: Buffer.from(new URLSearchParams(form).toString()),
  headers: {},
  query: {},
  now: NOW,
});

/** The form with `verify_key` and both signatures (`sha2: false` for the old sort alone). */
export function signedForm(
  form: Form,
  options: { password?: string; sha2?: boolean; unsigned?: readonly string[] } = {},
): Form {
  const { password = "new", sha2 = true, unsigned = [] } = options;
  const fields = new Map(Object.entries(form).filter(([name]) => !unsigned.includes(name)));
  return {
    ...form,
    verify_key: [...fields.keys()].join(","),
    verify_sign: sslCommerzDigest("md5", password, fields),
    ...(sha2 ? { verify_sign_sha2: sslCommerzDigest("sha256", password, fields) } : {}),
  };
}

const signed = signedForm(paidForm);
const md5Only = signedForm(paidForm, { sha2: false });
const sha2 = signed.verify_sign_sha2 ?? "";
const send = (form: Form): WebhookRequest => sendForm(signedForm(form));
const { val_id: _none, ...withoutValId } = paidForm;
const { verify_sign: _md5, verify_sign_sha2: _sha2, ...noSigns } = signed;
const withQuery = (text: string): WebhookRequest => ({ ...sendForm(signed), rawBody: Buffer.from(text) });

const unsignedFields: readonly Case[] = ["tran_id", "val_id", "amount", "currency", "status", "store_id"].map(
  (name) => ({
    name: `${name} left out of verify_key`,
    request: sendForm(signedForm(paidForm, { unsigned: [name] })),
    expected: "malformed",
  }),
);

export const sslCommerzFixture: Fixture = {
  gateway: "sslcommerz",
  config: { ...NOTHING_CONFIGURED, sslcommerz: { storeId: "store1", passwords: "new,old" } },
  signingKeys: noSigningKeys,
  valid: sendForm(signed),
  another: send({ ...paidForm, val_id: "val2" }),
  byOldSecret: sendForm(signedForm(paidForm, { password: "old" })),
  byWrongSecret: sendForm(signedForm(paidForm, { password: "other" })),
  forgedSignature: sendForm({ ...signed, verify_sign_sha2: flipped(sha2) }),
  unsigned: sendForm(noSigns),
  // The values are signed, not the bytes.
  reserialised: {
    request: sendForm(Object.fromEntries(Object.entries(signed).toReversed())),
    expected: "event",
  },
  truncatedIs: "no_signature",
  stamped: null,
  unknownKind: send({ ...paidForm, status: "ON_THE_MOON" }),
  more: [
    ...unsignedFields,
    { name: "MD5 alone", request: sendForm(md5Only), expected: "event", key: "same" },
    {
      name: "MD5 alone, forged",
      request: sendForm({ ...md5Only, verify_sign: flipped(md5Only.verify_sign ?? "") }),
      expected: "mismatch",
    },
    {
      name: "a right MD5 beside a wrong SHA-256",
      request: sendForm({ ...signed, verify_sign_sha2: "0".repeat(64) }),
      expected: "mismatch",
    },
    {
      name: "a right MD5 beside an empty SHA-256",
      request: sendForm({ ...signed, verify_sign_sha2: "" }),
      expected: "no_signature",
    },
    { name: "another amount", request: sendForm({ ...signed, amount: "0.50" }), expected: "mismatch" },
    { name: "another status", request: sendForm({ ...signed, status: "VALIDATED" }), expected: "mismatch" },
    { name: "another shop's", request: send({ ...paidForm, store_id: "store2" }), expected: "untrusted" },
    { name: "a field twice", request: withQuery(`${new URLSearchParams(signed)}&amount=0.50`), expected: "malformed" },
    {
      name: "a signed field that was not sent",
      request: sendForm({ ...signed, verify_key: `${signed.verify_key},ghost` }),
      expected: "malformed",
    },
    { name: "a password in the form", request: send({ ...paidForm, store_passwd: "x" }), expected: "malformed" },
    {
      name: "a neighbour swallowed",
      request: send({ ...paidForm, amount: "41.50&bank_tran_id=x" }),
      expected: "malformed",
    },
    { name: "paid with an empty val_id", request: send({ ...paidForm, val_id: "" }), expected: "malformed" },
    {
      name: "cancelled, hence without val_id",
      request: send({ ...withoutValId, status: "CANCELLED" }),
      expected: "event",
      key: "other",
    },
    { name: "paid without val_id", request: send(withoutValId), expected: "malformed" },
    {
      name: "no store id configured",
      request: sendForm(signed),
      config: { ...NOTHING_CONFIGURED, sslcommerz: { storeId: "", passwords: "new" } },
      expected: "not_configured",
    },
  ],
};
