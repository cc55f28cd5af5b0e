import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";

let t: TestApp;
let server: TestServer;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  server = await spawnServer({ roles: "web,gateway", env: { ...t.env, PORT: "0" } });
});
afterEach(async () => {
  await server.stop();
  await t.dispose();
});

/** When, in seconds from the opening, and how it ended. */
async function ended(first: object | null, autoPong: boolean): Promise<{ code: number; seconds: number }> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { autoPong });
  let openedAt = 0;
  socket.on("open", () => {
    openedAt = performance.now();
    if (first !== null) socket.send(JSON.stringify(first));
  });
  const code = await new Promise<number>((resolve) => socket.once("close", resolve));
  return { code, seconds: (performance.now() - openedAt) / 1000 };
}

test("no auth in 10 s: closed with 3003; no pong: closed with 3012 within 33 s", async () => {
  const token = await t.token("driver", await t.make.driver());
  const [unknown, silent] = await Promise.all([ended(null, true), ended({ type: "auth", token }, false)]);
  expect(unknown.code).toBe(3003);
  expect(unknown.seconds).toBeGreaterThan(9);
  expect(silent.code).toBe(3012);
  expect(silent.seconds).toBeGreaterThan(8);
  // The contract's 33 s, and the close frame's way on a busy machine.
  expect(silent.seconds).toBeLessThan(36);
}, 60_000);
