import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createSigningKeys } from "#server/domain/payments/webhooks/sns-certificate.ts";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { selfMadeCertificate } from "./self-made-certificate.ts";
import { type Case, type Fixture, json, minutesFromNow, NOTHING_CONFIGURED, NOW, respaced, TRIP } from "./suite.ts";

const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
export const amazon = rsa();
const stranger = rsa();
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });

const TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:bkash-new";
const OLD_TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:bkash-old";
const HOST = "https://sns.ap-southeast-1.amazonaws.com";
export const CERTIFICATE_URL = `${HOST}/SimpleNotificationService-1.pem`;

const year = { validFrom: minutesFromNow(-60 * 24 * 100), validTo: minutesFromNow(60 * 24 * 100) };
export const certificatePem = selfMadeCertificate({ ...amazon, ...year });
/** What lies at each address; nothing at any other. */
const PEMS = new Map([
  [CERTIFICATE_URL, certificatePem],
  [`${HOST}/expired.pem`, selfMadeCertificate({ ...amazon, ...year, validTo: minutesFromNow(-1) })],
  [`${HOST}/early.pem`, selfMadeCertificate({ ...amazon, ...year, validFrom: minutesFromNow(1) })],
  [`${HOST}/ec.pem`, selfMadeCertificate({ ...year, publicKey: ec.publicKey, privateKey: amazon.privateKey })],
  [`${HOST}/junk.pem`, "junk"],
  ["https://sns.cn-north-1.amazonaws.com.cn/china.pem", certificatePem],
]);

/** As Amazon's host would answer. */
export const fetchPem = async (url: string): Promise<string> =>
  PEMS.get(url) ?? Promise.reject(new Error(`nothing at ${url}`));

export type Envelope = Readonly<Record<string, unknown>>;
const NOTIFICATION_KEYS = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMATION_KEYS = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

export const payment = (more: object = {}): string =>
  JSON.stringify({
    dateTime: "20261120180000",
    trxID: "4J420ANOXC",
    transactionStatus: "Completed",
    transactionType: "1003",
    amount: "41.5",
    currency: "BDT",
    merchantInvoiceNumber: TRIP,
    ...more,
  });

const notification: Envelope = {
  Type: "Notification",
  MessageId: "m-1",
  TopicArn: TOPIC,
  Message: payment(),
  Timestamp: "2026-11-20T11:59:00.000Z",
  SignatureVersion: "2",
  SigningCertURL: CERTIFICATE_URL,
};
const subscribeUrl = `${HOST}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=t0ken`;
const confirmation: Envelope = {
  ...notification,
  Type: "SubscriptionConfirmation",
  MessageId: "m-2",
  Message: "You have chosen to subscribe to the topic",
  Token: "t0ken",
  SubscribeURL: subscribeUrl,
};

/** Sent as it is. */
const send = (envelope: Envelope): WebhookRequest => ({
  rawBody: json(envelope),
  // A lie in some of these: the signed type decides.
  headers: { "x-amz-sns-message-type": "Notification" },
  query: {},
  now: NOW,
});

/** Signed as Amazon does by the envelope's own SignatureVersion; `by` another key than Amazon's. */
export function published(more: Envelope = {}, by: KeyObject = amazon.privateKey, base = notification): WebhookRequest {
  const envelope = { ...base, ...more } as Record<string, unknown>;
  const keys = envelope.Type === "Notification" ? NOTIFICATION_KEYS : CONFIRMATION_KEYS;
  const text = keys.filter((key) => typeof envelope[key] === "string").map((key) => `${key}\n${envelope[key]}\n`);
  const digest = envelope.SignatureVersion === "1" ? "RSA-SHA1" : "RSA-SHA256";
  return send({ ...envelope, Signature: sign(digest, Buffer.from(text.join("")), by).toString("base64") });
}
const confirming = (more: Envelope = {}): WebhookRequest => published(more, amazon.privateKey, confirmation);

const valid = published();
const sent = JSON.parse(valid.rawBody.toString()) as Envelope;

/** Addresses that look like the host's and are not, or leave it. */
export const BAD_CERTIFICATE_URLS: readonly unknown[] = [
  "http://sns.ap-southeast-1.amazonaws.com/a.pem",
  "https://evil.example/a.pem",
  "https://sns.ap-southeast-1.amazonaws.com.evil.example/a.pem",
  "https://sns.ap-southeast-1.amazonaws.com.cn.evil.example/a.pem",
  "https://evil.example/sns.ap-southeast-1.amazonaws.com/a.pem",
  "https://evil-sns.ap-southeast-1.amazonaws.com/a.pem",
  "https://sns.evil.example.amazonaws.com/a.pem",
  "https://sns.x.amazonaws.com/a.pem",
  "https://s3.ap-southeast-1.amazonaws.com/a.pem",
  "https://snsXap-southeast-1.amazonaws.com/a.pem",
  "https://sns.ap-southeast-1.amazonawsXcom/a.pem",
  "https://sns.ap-southeast-1.amazonaws.com@evil.example/a.pem",
  "https://user:pass@sns.ap-southeast-1.amazonaws.com/a.pem",
  "https://@sns.ap-southeast-1.amazonaws.com/a.pem",
  "https://sns.ap-southeast-1.amazonaws.com:8443/a.pem",
  "https://sns.ap-southeast-1.amazonaws.com:443/a.pem",
  "https://sns.ap-southeast-1.amazonaws.com./a.pem",
  "https://sns.ap-southeast-1.amazonaws.com/a.pem?x=1",
  "https://sns.ap-southeast-1.amazonaws.com/a.pem?",
  "https://sns.ap-southeast-1.amazonaws.com/?a.pem",
  "https://sns.ap-southeast-1.amazonaws.com/a.pem#x",
  "https://sns.ap-southeast-1.amazonaws.com/#a.pem",
  "https://sns.ap-southeast-1.amazonaws.com/a.pem#",
  "https://sns.ap-southeast-1.amazonaws.com/a.txt",
  "https://sns.ap-southeast-1.amazonaws.com/x/../a.pem",
  "https://evil.example\\@sns.ap-southeast-1.amazonaws.com/a.pem",
  "https:\\\\sns.ap-southeast-1.amazonaws.com/a.pem",
  "https:sns.ap-southeast-1.amazonaws.com/a.pem",
  "https://sns.ap-southeast-1.amazonaws.com/a\n.pem",
  " https://sns.ap-southeast-1.amazonaws.com/a.pem",
  "https://sns.ap-southeast-1.amazonaws。com/a.pem",
  "//sns.ap-southeast-1.amazonaws.com/a.pem",
  "file:///etc/a.pem",
  "",
  null,
  42,
  [CERTIFICATE_URL],
];

const badSubscribeUrls = [
  "http://sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=",
  "https://evil.example/?Action=ConfirmSubscription&TopicArn=",
  "https://sns.ap-southeast-1.amazonaws.com@evil.example/?Action=ConfirmSubscription&TopicArn=",
  "https://@sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=",
  "https://user:pass@sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=",
  "https://sns.ap-southeast-1.amazonaws.com:8443/?Action=ConfirmSubscription&TopicArn=",
  "https://SNS.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=",
  "https://sns.ap-southeast-1.amazonaws.com/?Action=DeleteTopic&TopicArn=",
  "https://sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x",
  "https://sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription#&TopicArn=",
  // `URL` drops the tab.
  "https://sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&\tTopicArn=",
];

const addresses: readonly Case[] = [
  ...BAD_CERTIFICATE_URLS.map((url) => ({
    name: `a certificate at ${JSON.stringify(url)}`,
    request: published({ SigningCertURL: url }),
    expected: "untrusted" as const,
  })),
  ...badSubscribeUrls.map((url) => ({
    name: `a confirmation at ${url}`,
    request: confirming({ SubscribeURL: `${url}${TOPIC}` }),
    expected: "untrusted" as const,
  })),
];

export const bkashFixture: Fixture = {
  gateway: "bkash",
  config: { ...NOTHING_CONFIGURED, bkash: `${TOPIC},${OLD_TOPIC}` },
  signingKeys: createSigningKeys(fetchPem),
  valid,
  another: published({ MessageId: "m-9" }),
  // Not a secret that rotates but a topic.
  byOldSecret: published({ TopicArn: OLD_TOPIC }),
  byWrongSecret: published({}, stranger.privateKey),
  forgedSignature: send({
    ...sent,
    Signature: `${String(sent.Signature).startsWith("A") ? "B" : "A"}${String(sent.Signature).slice(1)}`,
  }),
  unsigned: send(notification),
  // The values are signed, not the bytes.
  reserialised: { request: { ...valid, rawBody: respaced(valid.rawBody) }, expected: "event" },
  truncatedIs: "malformed",
  stamped: {
    stale: published({ Timestamp: minutesFromNow(-61).toISOString() }),
    future: published({ Timestamp: minutesFromNow(6).toISOString() }),
  },
  unknownKind: published({ Message: payment({ transactionStatus: "Initiated" }) }),
  more: [
    ...addresses,
    { name: "signature version 1", request: published({ SignatureVersion: "1" }), expected: "event", key: "same" },
    { name: "signature version 3", request: published({ SignatureVersion: "3" }), expected: "no_signature" },
    { name: "version 2 said to be 1", request: send({ ...sent, SignatureVersion: "1" }), expected: "mismatch" },
    {
      name: "version 1 said to be 2",
      request: send({ ...JSON.parse(published({ SignatureVersion: "1" }).rawBody.toString()), SignatureVersion: "2" }),
      expected: "mismatch",
    },
    { name: "with a subject", request: published({ Subject: "paid" }), expected: "event", key: "same" },
    { name: "a subject added", request: send({ ...sent, Subject: "paid" }), expected: "mismatch" },
    { name: "another amount", request: send({ ...sent, Message: payment({ amount: "1" }) }), expected: "mismatch" },
    { name: "another time", request: send({ ...sent, Timestamp: "2026-11-20T11:59:30.000Z" }), expected: "mismatch" },
    { name: "a stranger's topic, well signed", request: published({ TopicArn: `${TOPIC}x` }), expected: "untrusted" },
    {
      name: "an expired certificate",
      request: published({ SigningCertURL: `${HOST}/expired.pem` }),
      expected: "untrusted",
    },
    {
      name: "a certificate of tomorrow",
      request: published({ SigningCertURL: `${HOST}/early.pem` }),
      expected: "untrusted",
    },
    {
      name: "a certificate without RSA",
      request: published({ SigningCertURL: `${HOST}/ec.pem` }),
      expected: "certificate_unavailable",
    },
    {
      name: "no certificate there",
      request: published({ SigningCertURL: `${HOST}/gone.pem` }),
      expected: "certificate_unavailable",
    },
    {
      name: "junk for a certificate",
      request: published({ SigningCertURL: `${HOST}/junk.pem` }),
      expected: "certificate_unavailable",
    },
    {
      name: "a certificate of China's",
      request: published({ SigningCertURL: "https://sns.cn-north-1.amazonaws.com.cn/china.pem" }),
      expected: "event",
    },
    { name: "a message that is no JSON", request: published({ Message: "hello" }), expected: "event", key: "other" },
    { name: "a confirmation", request: confirming(), expected: "subscription", key: "other" },
    {
      name: "a confirmation by another key",
      request: published({}, stranger.privateKey, confirmation),
      expected: "mismatch",
    },
    {
      name: "a notification called a confirmation",
      request: send({ ...confirmation, Signature: sent.Signature }),
      expected: "mismatch",
    },
    { name: "a goodbye", request: confirming({ Type: "UnsubscribeConfirmation" }), expected: "event", key: "other" },
    { name: "a type from a prototype", request: published({ Type: "constructor" }), expected: "malformed" },
    { name: "a line break in a subject", request: published({ Subject: "x\nTimestamp\ny" }), expected: "malformed" },
    { name: "a line break in an id", request: published({ MessageId: "m-1\nSubject\nx" }), expected: "malformed" },
  ],
};
