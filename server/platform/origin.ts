import { isIP } from "node:net";

/** Names that no foreign name server can point at us: addresses, and the machine's own name for itself. */
function cannotBeRebound(hostname: string): boolean {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) !== 0 || bare === "localhost" || bare.endsWith(".localhost");
}

/**
 * Whether a browser's page at `origin` is one of ours. With a public address only that is. Without one the page's host
 * must be the one that was asked, and an address: a page of anybody's whose name was pointed at us (DNS rebinding) has
 * its own name for both.
 *
 * @param host the request's Host header
 */
export function isOurOrigin(origin: string, host: string | undefined, publicUrl: string | null): boolean {
  const from = URL.parse(origin);
  if (from === null || !/^https?:$/.test(from.protocol)) return false;
  if (publicUrl !== null) return from.origin === new URL(publicUrl).origin;
  return from.host === host?.toLowerCase() && cannotBeRebound(from.hostname);
}
