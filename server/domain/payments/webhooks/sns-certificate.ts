import { type KeyObject, X509Certificate } from "node:crypto";
import { certificateAddress } from "#server/domain/payments/webhooks/sns-address.ts";

/** A signing certificate's PEM text. Throws when it cannot be had. */
export type FetchPem = (url: string) => Promise<string>;

/** An RSA public key and the time in which its certificate holds. */
export interface SigningKey {
  readonly publicKey: KeyObject;
  readonly validFrom: Date;
  readonly validTo: Date;
}

export interface SigningKeys {
  /** The key behind an address that `certificateAddress` let through; throws when it cannot be had or is none. */
  readonly at: (url: string) => Promise<SigningKey>;
}

const TIMEOUT_MS = 3000;
/** A certificate is about 2 KiB. */
const MAX_PEM_CHARACTERS = 16_384;

/** Over HTTPS, which vouches for the host; a redirect is an error, or the pinned host could send us anywhere. */
export function createPemFetcher(fetchFrom: typeof fetch = fetch): FetchPem {
  return async (url) => {
    const response = await fetchFrom(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200 || response.redirected)
      throw new Error(`the certificate's host answered ${response.status}`);
    return response.text();
  };
}

function readKey(pem: string): SigningKey {
  if (pem.length > MAX_PEM_CHARACTERS) throw new Error("too long to be a certificate");
  const certificate = new X509Certificate(pem);
  if (certificate.publicKey.asymmetricKeyType !== "rsa") throw new Error("the certificate holds no RSA key");
  return {
    publicKey: certificate.publicKey,
    validFrom: certificate.validFromDate,
    validTo: certificate.validToDate,
  };
}

/** Amazon signs with one certificate at a time; a few regions and a renewal fit many times over. */
const MAX_KEYS = 16;

/**
 * Fetched once each and kept (a certificate's address names it for good), requests at the same moment sharing one fetch.
 * Failures are not kept. The address is checked here again: whoever calls, nothing is fetched from elsewhere.
 */
export function createSigningKeys(fetchPem: FetchPem): SigningKeys {
  const kept = new Map<string, Promise<SigningKey>>();
  return {
    at(url) {
      const known = kept.get(url);
      if (known !== undefined) return known;
      if (certificateAddress(url) === null) return Promise.reject(new Error("not an address of a certificate of SNS"));
      const oldest = kept.keys().next();
      if (kept.size >= MAX_KEYS && oldest.done !== true) kept.delete(oldest.value);
      const fetched = Promise.resolve(url).then(fetchPem).then(readKey);
      kept.set(url, fetched);
      fetched.catch(() => {
        if (kept.get(url) === fetched) kept.delete(url);
      });
      return fetched;
    },
  };
}
