import { isIP } from "node:net";
import type { Actor } from "#server/domain/identity/tokens.ts";
import { sha256Hex } from "#server/platform/crypto.ts";

/** Who is counted. */
export interface LimitSubject {
  /** Part of the counter's key. */
  readonly key: string;
  readonly userId: string | null;
  /** For operators; personal data is cut. */
  readonly shown: string;
}

export const personSubject = ({ id }: Pick<Actor, "id">): LimitSubject => ({ key: id, userId: id, shown: id });

/** An IPv6 client has a /64 of its own to choose from, so that is what counts. */
export function networkOf(ip: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (v4 !== undefined) return v4;
  if (isIP(ip) !== 6) return ip;
  const [head = "", tail] = (ip.split("%", 1)[0] as string).split("::");
  const parts = (text: string | undefined) => (text === undefined || text === "" ? [] : text.split(":"));
  const [left, right] = [parts(head), parts(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  const groups = [...left, ...(tail === undefined ? [] : zeros), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

export function addressSubject(ip: string | null): LimitSubject {
  const network = ip === null ? "unknown" : networkOf(ip);
  return { key: network, userId: null, shown: network };
}

/** Guesses are counted by where they come from and whom they are about: one office's people do not lock each other out. */
export const signInName = (ip: string | null, account: string): string => `${ip} ${account.trim().toLowerCase()}`;

/** What the caller names: a phone, an account with its address, a gateway. Its key tells nothing of it. */
export const namedSubject = (name: string): LimitSubject => ({
  key: sha256Hex(name).slice(0, 32),
  userId: null,
  shown: name
    .replace(/\+?\d{4,}(?=\d{3})/g, (digits) => `${digits.slice(0, 3)}•••`)
    .replace(/([^\s@])[^\s@]*@/g, "$1•••@"),
});
