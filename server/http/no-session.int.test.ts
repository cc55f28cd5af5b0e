import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { MAX_BATCH_CALLS } from "#server/contracts/limits.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import type { ProcedureMeta } from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";

interface Walked {
  readonly path: string;
  readonly type: string;
  readonly meta: ProcedureMeta;
}
const procedures: Walked[] = Object.entries(
  appRouter._def.procedures as unknown as Record<string, { _def: { type: string; meta: ProcedureMeta } }>,
).map(([path, { _def }]) => ({ path, type: _def.type, meta: _def.meta }));
const protectedOnes = procedures.filter(({ meta }) => meta.auth !== "public");

let t: TestApp;
let url: string;
/** What nobody may see without a session. */
let secrets: string[];
let trip: string;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
  trip = await t.make.trip();
  await t.accept(trip, await t.make.driver());
  const [row] = await t.rows<{ ref_id: string; phone: string; plate: string }>(
    `SELECT r.ref_id, u.phone, v.licence_plate_number AS plate FROM trip_requests r
     JOIN users u ON u.id = r.customer_id JOIN vehicles v ON v.id = r.vehicle_id WHERE r.id = $1`,
    [trip],
  );
  secrets = [row?.ref_id ?? "", row?.phone ?? "", row?.plate ?? ""];
  expect(secrets.every((secret) => secret.length > 3)).toBe(true);
});
afterAll(() => t.dispose());

/** Ways by which others have walked around a check that stood before the handler. */
const TRICKS: readonly Record<string, string>[] = [
  {},
  { "x-middleware-subrequest": "middleware:middleware:middleware:middleware:middleware" },
  { "x-middleware-subrequest": "src/middleware:src/middleware:src/middleware:src/middleware:src/middleware" },
  { RSC: "1", "Next-Router-Prefetch": "1" },
  { "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "x-forwarded-host": "localhost" },
  { cookie: "next-auth.session-token=; __Secure-next-auth.session-token=e30.e30.e30" },
  { authorization: "Bearer e30.e30.e30" },
  { "x-original-url": "/api/v1/auth/login", "x-rewrite-url": "/health/live", "x-http-method-override": "GET" },
];
const INPUT = () => ({ json: { id: trip, tripId: trip, q: "", limit: 20, reason: "no session", ids: [trip] } });

async function ask({ path, type }: Walked, headers: Record<string, string>) {
  // The forgery check would answer 403 first: here it is the session that must be missed.
  const from = { origin: url, ...headers };
  if (type === "mutation") return call(`${url}/api/trpc/${path}`, { body: INPUT(), headers: from });
  const input = encodeURIComponent(JSON.stringify(INPUT()));
  return call(`${url}/api/trpc/${path}?input=${input}`, { method: "GET", headers: from });
}

test("there is a console to protect", () => {
  expect(protectedOnes.length).toBeGreaterThan(30);
});

describe.each(TRICKS)("without a session, with %j", (headers) => {
  test("no procedure answers anything but 401, and none gives a protected byte", async () => {
    for (const procedure of protectedOnes) {
      const answer = await ask(procedure, headers);
      // A stream's status is sent before its first event: the refusal is that event, and its last.
      const stream = procedure.type === "subscription" && answer.status === 200;
      const refused = stream
        ? /^event: serialized-error\ndata: .*UNAUTHENTICATED/m.test(answer.text)
        : answer.status === 401;
      expect([procedure.path, refused], answer.text.slice(0, 300)).toEqual([procedure.path, true]);
      const events = stream ? answer.text.trim().split("\n\n") : [];
      expect(events.filter((event) => !/^event: (connected|ping|serialized-error)$/m.test(event))).toEqual([]);
      for (const secret of secrets) expect(answer.text).not.toContain(secret);
    }
  });

  test("no REST call does", async () => {
    for (const { path, meta } of protectedOnes.filter((procedure) => procedure.meta.openapi !== undefined)) {
      const { method = "GET", path: route = "" } = meta.openapi ?? {};
      const at = `${url}${route.replace("{id}", trip)}`;
      const sent = { ...headers, origin: url, "idempotency-key": newId() };
      const answer = await call(at, { method, headers: sent, ...(method === "POST" ? { body: {} } : {}) });
      expect([path, answer.status]).toEqual([path, 401]);
      for (const secret of secrets) expect(answer.text).not.toContain(secret);
    }
  });
});

test("many procedures in one request are refused each", async () => {
  const names = protectedOnes.filter(({ type }) => type === "query").map(({ path }) => path);
  for (let from = 0; from < names.length; from += MAX_BATCH_CALLS) {
    const some = names.slice(from, from + MAX_BATCH_CALLS);
    const input = encodeURIComponent(JSON.stringify(Object.fromEntries(some.map((_, i) => [i, INPUT()]))));
    const answer = await call(`${url}/api/trpc/${some.join(",")}?batch=1&input=${input}`, { method: "GET" });
    expect(answer.text.match(/UNAUTHENTICATED/g)).toHaveLength(some.length);
    expect(answer.text).not.toContain('"result"');
    for (const secret of secrets) expect(answer.text).not.toContain(secret);
  }
});

test("mutation: with a session the same request does give those bytes", async () => {
  const token = await t.operatorToken(await t.make.operator());
  const list = procedures.find(({ path }) => path === "trips.list") as Walked;
  const input = encodeURIComponent(JSON.stringify({ json: {} }));
  const answer = await call(`${url}/api/trpc/${list.path}?input=${input}`, { method: "GET", token });
  expect(answer.status, answer.text).toBe(200);
  expect(secrets.some((secret) => answer.text.includes(secret))).toBe(true);
});
