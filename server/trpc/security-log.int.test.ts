import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
let url: string;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  t = await createTestApp({ coordination: "standalone", overrides: { logger } });
  url = await t.listen();
});
afterAll(() => t.dispose());

const refusals = () => lines.splice(0).filter((line) => line.msg === "refused");

test("a refusal leaves one line with who, from where and what", async () => {
  const [driver, trip] = await Promise.all([t.make.driver(), t.make.trip()]);
  const token = await t.token("driver", driver);
  const booking = { token, body: {}, headers: { "x-request-id": "seen-again", "idempotency-key": "k" } };
  expect((await call(`${url}/api/v1/trips`, booking)).status).toBe(403);
  const who = { actorId: driver, actorType: "driver", ip: expect.stringMatching(/127\.0\.0\.1$/) };
  expect(refusals()).toMatchObject([
    { level: 40, security: "FORBIDDEN", procedure: "rides.create", requestId: "seen-again", ...who },
  ]);
  const secret = { token, body: { expectedVersion: "hunter2", role: "hunter2" } };
  expect((await call(`${url}/api/v1/trips/${trip}/accept`, secret)).status).toBe(400);
  const [refused] = refusals();
  expect(refused).toMatchObject({
    level: 30,
    security: "VALIDATION_FAILED",
    fields: ["expectedVersion", "role"],
    ...who,
  });
  expect(JSON.stringify(refused)).not.toContain("hunter2");
  expect((await call(`${url}/api/v1/trips`, { method: "GET", token: "a.b.c" })).status).toBe(401);
  expect(refusals()).toMatchObject([{ level: 30, security: "UNAUTHENTICATED", actorId: null }]);
});

test("what is allowed, or only lost, leaves none", async () => {
  const [driver, other, trip] = await Promise.all([t.make.driver(), t.make.driver(), t.make.trip()]);
  for (const [who, status] of [
    [driver, 200],
    [other, 409],
  ] as const) {
    const token = await t.token("driver", who);
    expect((await call(`${url}/api/v1/trips/${trip}/accept`, { token, body: {} })).status).toBe(status);
  }
  expect(refusals()).toEqual([]);
});
