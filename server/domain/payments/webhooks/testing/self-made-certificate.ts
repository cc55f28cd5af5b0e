import { type KeyObject, sign } from "node:crypto";

/** One DER element: tag, length, content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length =
    body.length < 128 ? Buffer.from([body.length]) : Buffer.from([0x82, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
}
const sequence = (...content: readonly Buffer[]): Buffer => der(0x30, ...content);
const utcTime = (date: Date): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replace(/[-:T]|\.\d+/g, "")
        .slice(2)}`,
    ),
  );

/** sha256WithRSAEncryption, NULL */
const ALGORITHM = sequence(der(0x06, Buffer.from("2a864886f70d01010b", "hex")), der(0x05));
/** CN=sns.amazonaws.com */
const NAME = sequence(
  der(0x31, sequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from("sns.amazonaws.com")))),
);

/** A self-signed X.509 certificate as PEM: node:crypto reads certificates and makes none. */
export function selfMadeCertificate(options: {
  readonly publicKey: KeyObject;
  /** RSA; signs the certificate. */
  readonly privateKey: KeyObject;
  readonly validFrom: Date;
  readonly validTo: Date;
}): string {
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ALGORITHM,
    NAME,
    sequence(utcTime(options.validFrom), utcTime(options.validTo)),
    NAME,
    options.publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign("RSA-SHA256", tbs, options.privateKey);
  const certificate = sequence(tbs, ALGORITHM, der(0x03, Buffer.from([0]), signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
