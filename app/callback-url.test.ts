import { describe, expect, test } from "vitest";
import { callbackRefusal, ownAddress } from "./callback-url.ts";

const refused = (query: string, cookie?: string) =>
  callbackRefusal({
    url: `http://localhost:3000/api/auth/signin${query}`,
    headers: new Headers(cookie === undefined ? {} : { cookie }),
  });

describe("a callbackUrl that is no address is refused with 400, not 500", () => {
  test.each(["foo", "%00", "javascript:alert(1)", "http://", "data:text/html,x", "%2F%2F%5B"])(
    "in the query: %s",
    (text) => {
      expect(refused(`?callbackUrl=${text}`)?.status).toBe(400);
    },
  );

  test.each(["?callbackUrl=%2Fmap", "?callbackUrl=http%3A%2F%2Flocalhost%3A3000%2Fmap", "?callbackUrl=", ""])(
    "let through: %s",
    (query) => expect(refused(query)).toBeNull(),
  );

  test("in the cookie, which is taken away; another cookie is nobody's business", () => {
    const answer = refused("", "a=foo; next-auth.callback-url=foo; __Secure-next-auth.callback-url=%E0%A4%A");
    expect(answer?.status).toBe(400);
    expect(answer?.headers.getSetCookie().map((cookie) => cookie.split(";")[0])).toEqual([
      "next-auth.callback-url=",
      "__Secure-next-auth.callback-url=",
    ]);
    expect(refused("", "next-auth.callback-url=http%3A%2F%2Flocalhost%3A3000%2Fmap; callback-url=foo")).toBeNull();
  });
});

test("one is sent on to a page of ours only", () => {
  const base = "https://ops.example.com";
  for (const own of ["/map", "map", `${base}/map`]) expect(ownAddress(own, base)).toBe(`${base}/map`);
  for (const other of [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "http://[",
    "javascript:alert(1)",
    ["/map"],
    7,
  ])
    expect(ownAddress(other, base)).toBe(base);
});
