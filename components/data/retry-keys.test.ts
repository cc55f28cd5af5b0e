import { createTRPCClient, httpLink } from "@trpc/client";
import superjson from "superjson";
import { beforeEach, expect, test } from "vitest";
import type { AppRouter } from "#server/trpc/root.ts";
import { forgetUnanswered, keyHeaders, retryKeys } from "./retry-keys.ts";

type Reply = "lost" | { readonly status: number; readonly code: string | null };
const DONE: Reply = { status: 200, code: null };
let replies: Reply[] = [];
let keys: (string | null)[] = [];

function answer(reply: Reply): Response {
  if (reply === "lost") throw new TypeError("fetch failed");
  const { status, code } = reply;
  const data = { code: "X", httpStatus: status, domainCode: code };
  const body =
    code === null ? { result: { data: { json: null } } } : { error: { json: { message: code, code: -1, data } } };
  return new Response(JSON.stringify(body), { status });
}
const client = createTRPCClient<AppRouter>({
  links: [
    retryKeys,
    httpLink({
      url: "http://console.test/api/trpc",
      transformer: superjson,
      headers: ({ op }) => keyHeaders(op),
      fetch: async (_url, init) => {
        keys.push(new Headers(init?.headers as HeadersInit).get("idempotency-key"));
        return answer(replies.shift() ?? DONE);
      },
    }),
  ],
});
const ID = "0199aaaa-0000-7000-8000-000000000001";
const resolve = (reason = "looked at it") =>
  client.alerts.resolve.mutate({ id: ID, reason }).then(
    () => "done",
    () => "failed",
  );

beforeEach(() => {
  forgetUnanswered();
  replies = [];
  keys = [];
});

test.each([
  ["lost on its way", "lost" as const],
  ["a fault of the server", { status: 500, code: "INTERNAL" }],
  ["the first try still at work", { status: 409, code: "IDEMPOTENCY_IN_PROGRESS" }],
])("%s: the repeated click goes under the same key", async (_name, reply) => {
  replies = [reply];
  expect([await resolve(), await resolve()]).toEqual(["failed", "done"]);
  expect(keys[0]).toMatch(/^[\da-f-]{36}$/);
  expect(keys[1]).toBe(keys[0]);
});

test("what was answered, done or refused, is done with: the next click has a key of its own", async () => {
  replies = [DONE, { status: 409, code: "VERSION_CONFLICT" }, DONE];
  for (let n = 0; n < 3; n++) await resolve();
  expect(new Set(keys).size).toBe(3);
});

test("another reason is another change, and so is the same one in a dialog opened anew", async () => {
  replies = ["lost", "lost", "lost"];
  await resolve();
  await resolve("another reason");
  forgetUnanswered();
  await resolve();
  expect(new Set(keys).size).toBe(3);
});

test("queries carry none", async () => {
  await client.alerts.count.query();
  expect(keys).toEqual([null]);
});
