import { expect, test } from "vitest";
import { addressSubject, namedSubject } from "#server/domain/limits/limit-subject.ts";

test.each([
  ["203.0.113.9", "203.0.113.9"],
  ["::ffff:203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
])("the network of %s is %s", (ip, network) => {
  expect(addressSubject(ip)).toEqual({ key: network, userId: null, shown: network });
});

test("two addresses of one IPv6 client count as one", () => {
  expect(addressSubject("2001:db8:1:2::1").key).toBe(addressSubject("2001:db8:1:2:ffff::2").key);
  expect(addressSubject("2001:db8:1:2::1").key).not.toBe(addressSubject("2001:db8:1:3::1").key);
});

test("a name's key tells nothing of it, and what operators see has its personal data cut", () => {
  const phone = namedSubject("+201100000001");
  expect(phone.key).toMatch(/^[0-9a-f]{32}$/);
  expect(phone.shown).toBe("+20•••001");
  expect(namedSubject("203.0.113.9 rider@example.com").shown).toBe("203.0.113.9 r•••@example.com");
  expect(namedSubject("stripe").shown).toBe("stripe");
  expect(namedSubject("+201100000002").key).not.toBe(phone.key);
});
