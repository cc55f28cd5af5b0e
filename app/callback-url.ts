/** Where next-auth goes to afterwards: a page of ours, and the console's first when what was asked for is none. */
export function ownAddress(asked: unknown, base: string): string {
  const url = typeof asked === "string" ? URL.parse(asked, base) : null;
  return url !== null && url.origin === new URL(base).origin ? url.href : base;
}

const isReadable = (asked: string): boolean => {
  const url = URL.parse(asked, asked.startsWith("/") ? "http://internal" : undefined);
  return url !== null && /^https?:$/.test(url.protocol);
};

const COOKIES = /(?:^|;\s*)((?:__Secure-|__Host-)?next-auth\.callback-url)=([^;]*)/g;
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
};

/**
 * 400 for a `callbackUrl` that is no address, in the query or in next-auth's cookie, which is taken away then; null when
 * all is well. next-auth itself answers such a request with 500, and the cookie would stay.
 */
export function callbackRefusal({
  url,
  headers,
}: {
  readonly url: string;
  readonly headers: Headers;
}): Response | null {
  const asked = new URL(url).searchParams.getAll("callbackUrl");
  const remembered = [...(headers.get("cookie") ?? "").matchAll(COOKIES)].map(([, name = "", value = ""]) => ({
    name,
    value,
  }));
  const broken = remembered.filter(({ value }) => value !== "" && !isReadable(decoded(value)));
  if (broken.length === 0 && asked.every((each) => each === "" || isReadable(each))) return null;
  const problem = {
    type: "https://smartline.example/problems/validation-failed",
    title: "The request is not valid",
    status: 400,
    code: "VALIDATION_FAILED",
    detail: "callbackUrl is no address.",
  };
  const response = new Response(JSON.stringify(problem), {
    status: 400,
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store" },
  });
  for (const { name } of broken)
    response.headers.append(
      "Set-Cookie",
      `${name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${name.startsWith("__") ? "; Secure" : ""}`,
    );
  return response;
}
