import { BlockList, isIP } from "node:net";

/** `1.2.3.4`, `1.2.3.4:5678`, `[::1]:5678` or `::1`, as proxies write it; null when it is no address. */
function addressIn(text: string): string | null {
  const entry = text.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry)?.[1] ?? entry;
  if (isIP(bare) === 0) return null;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
}

/** False for what is neither an address nor a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/**
 * Who a request comes from, given its peer and its X-Forwarded-For: the header is believed as far as trusted proxies
 * wrote it, from the right; the first that none of them is, is the client. What a client wrote itself changes nothing.
 *
 * @param trusted addresses and networks in CIDR notation
 */
export function createClientAddress(
  trusted: readonly string[],
): (peer: string | null, forwardedFor: string | null) => string | null {
  const proxies = new BlockList();
  for (const network of trusted) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    proxies.addSubnet(address, bits === undefined ? (family === "ipv4" ? 32 : 128) : Number(bits), family);
  }
  const isProxy = (address: string) => proxies.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (peer, forwardedFor) => {
    let client = peer === null ? null : addressIn(peer);
    if (trusted.length === 0 || forwardedFor === null) return client;
    const hops = forwardedFor.split(",");
    while (client !== null && isProxy(client)) {
      const hop = hops.pop();
      const address = hop === undefined ? null : addressIn(hop);
      if (address === null) break;
      client = address;
    }
    return client;
  };
}
