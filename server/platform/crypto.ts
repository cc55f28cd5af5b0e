import { createHash, createHmac, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { bulkhead, isBulkheadRejectedError } from "cockatiel";
import { DomainError } from "#server/contracts/errors.ts";

/** OWASP's first scrypt choice (N=2^17, r=8, p=1: 128 MiB) is slow for a demo seed; 2^15 with p=3 is its equal in cost. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 } as const;
const KEY_BYTES = 32;

/** Half of the process's four helping threads, so that files, names and keys are read meanwhile; some 2 s of waiting. */
const HASHES_AT_ONCE = 2;
const HASHES_WAITING = 20;
const hashing = bulkhead(HASHES_AT_ONCE, HASHES_WAITING);

/** SERVICE_UNAVAILABLE when so many wait that the answer would come too late: a flood of sign-ins is turned away at the door. */
async function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  const work = () =>
    new Promise<Buffer>((resolve, reject) => {
      scrypt(password.normalize("NFKC"), salt, KEY_BYTES, options, (error, key) =>
        error ? reject(error) : resolve(key),
      );
    });
  try {
    return await hashing.execute(work);
  } catch (error) {
    if (!isBulkheadRejectedError(error)) throw error;
    throw new DomainError("SERVICE_UNAVAILABLE", "Too many people sign in right now. Try again in a moment.", {
      cause: error,
      retryAfterSeconds: 3,
    });
  }
}

/** `scrypt$N$r$p$salt$key`, base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, SCRYPT);
  return ["scrypt", SCRYPT.N, SCRYPT.r, SCRYPT.p, salt.toString("base64url"), key.toString("base64url")].join("$");
}

/** A hash of no one's password: unknown users cost the same time as known ones. */
const NOBODY = `scrypt$${SCRYPT.N}$${SCRYPT.r}$${SCRYPT.p}$${Buffer.alloc(16).toString("base64url")}$${Buffer.alloc(KEY_BYTES).toString("base64url")}`;

/** Made with other parameters than today's: to be hashed anew at the next sign-in. */
export function needsRehash(stored: string): boolean {
  return !stored.startsWith(`scrypt$${SCRYPT.N}$${SCRYPT.r}$${SCRYPT.p}$`);
}

/** Compares in constant time. With `stored` null it does the same work and answers false. */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [scheme, n, r, p, salt, key] = (stored ?? NOBODY).split("$");
  if (scheme !== "scrypt" || salt === undefined || key === undefined) return false;
  const expected = Buffer.from(key, "base64url");
  const options = { N: Number(n), r: Number(r), p: Number(p), maxmem: SCRYPT.maxmem };
  const actual = await derive(password, Buffer.from(salt, "base64url"), options);
  return stored !== null && actual.length === expected.length && timingSafeEqual(actual, expected);
}

export const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");

export const hmacHex = (secret: string, text: string): string =>
  createHmac("sha256", secret).update(text).digest("hex");

/** Digits derived from a secret and a subject: the same subject gives the same code, so a re-run job sends the same one. */
export function derivedDigits(secret: string, subject: string, digits: number): string {
  const number = BigInt(`0x${hmacHex(secret, subject).slice(0, 16)}`);
  return (number % 10n ** BigInt(digits)).toString().padStart(digits, "0");
}

/** 256 random bits, base64url. */
export const randomToken = (): string => randomBytes(32).toString("base64url");

export function equalInConstantTime(a: string, b: string): boolean {
  const left = createHash("sha256").update(a).digest();
  const right = createHash("sha256").update(b).digest();
  return timingSafeEqual(left, right);
}
