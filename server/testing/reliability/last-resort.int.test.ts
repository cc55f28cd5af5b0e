import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { spawnServer } from "#server/testing/server-process.ts";
import { waitUntil } from "#server/testing/wait.ts";

/** Run in the server before anything else: a signal makes the fault. */
const onSignal = (statement: string) =>
  `--import=data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2",()=>{${statement}})`)}`;

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp();
});
afterEach(() => t.dispose());

test("a failure that nobody waited for is logged, and the server goes on", async () => {
  const env = { ...t.env, NODE_OPTIONS: onSignal('Promise.reject(new Error("stray"))') };
  const server = await spawnServer({ roles: "web", env });
  process.kill(server.pid, "SIGUSR2");
  const alarm = () => server.log.find((line) => line.alert === "process.unhandled_rejection");
  await waitUntil("it is logged", () => alarm() !== undefined);
  expect(alarm()).toMatchObject({ level: "error", err: { message: "stray" } });
  expect((await call(`${server.url}/health/ready`, { method: "GET" })).status).toBe(200);
  expect(await server.stop()).toBe(0);
});

test("an exception that nobody caught is logged, and the server ends in order, to be started anew", async () => {
  const env = { ...t.env, NODE_OPTIONS: onSignal('throw new Error("half done")') };
  const server = await spawnServer({ roles: "web,worker", env });
  process.kill(server.pid, "SIGUSR2");
  await waitUntil("it has stopped", () => server.log.some((line) => line.msg === "stopped"));
  expect(server.log.find((line) => line.alert === "process.uncaught_exception")).toMatchObject({
    level: "fatal",
    err: { message: "half done" },
  });
  expect(await server.stop()).toBe(1);
});
