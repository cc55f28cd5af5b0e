import { describe, expect, test } from "vitest";
import { createClientAddress, isNetwork } from "#server/platform/client-address.ts";

const behind = createClientAddress(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);

describe("the client's address", () => {
  test.each<[string, string | null, string | null, string]>([
    ["no proxy: the peer", "203.0.113.9", null, "203.0.113.9"],
    ["a forged header from who is no proxy changes nothing", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["what a proxy forwards", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["what the client wrote before it changes nothing", "10.1.2.3", "8.8.8.8, 198.51.100.1", "198.51.100.1"],
    ["nor does a proxy's address that it wrote", "10.1.2.3", "8.8.8.8, 10.9.9.9, 198.51.100.1", "198.51.100.1"],
    ["through several proxies", "10.1.2.3", "198.51.100.1, 192.0.2.7, 10.0.0.1", "198.51.100.1"],
    ["rubbish ends what is believed", "10.1.2.3", "198.51.100.1, rubbish, 10.0.0.1", "10.0.0.1"],
    ["a proxy without the header", "10.1.2.3", null, "10.1.2.3"],
    ["an empty header", "10.1.2.3", "", "10.1.2.3"],
    ["with a port", "10.1.2.3", "198.51.100.1:4711", "198.51.100.1"],
    ["IPv6 with a port", "10.1.2.3", "[2001:db9::1]:4711", "2001:db9::1"],
    ["a proxy by IPv6", "2001:db8::5", "198.51.100.1", "198.51.100.1"],
    ["IPv4 in IPv6", "::ffff:10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"],
  ])("%s", (_, peer, header, client) => {
    expect(behind(peer, header)).toBe(client);
  });

  test("with no proxy configured nothing is believed", () => {
    expect(createClientAddress([])("127.0.0.1", "198.51.100.1")).toBe("127.0.0.1");
  });

  test("mutation: read from the left, the client would choose its address", () => {
    const fromTheLeft = (_peer: string, header: string) => header.split(",")[0]?.trim();
    expect(fromTheLeft("10.1.2.3", "8.8.8.8, 198.51.100.1")).not.toBe(behind("10.1.2.3", "8.8.8.8, 198.51.100.1"));
  });
});

test.each([
  ["10.0.0.0/8", true],
  ["::1", true],
  ["2001:db8::/32", true],
  ["10.0.0.0/33", false],
  ["10.0.0.0/8/8", false],
  ["10.0.0.0/", false],
  ["localhost", false],
])("%s is a network: %s", (text, expected) => {
  expect(isNetwork(text)).toBe(expected);
});
