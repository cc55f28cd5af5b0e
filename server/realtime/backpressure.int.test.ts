import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { createGateway, type Gateway } from "#server/realtime/gateway.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
let gateway: Gateway;
let http: HttpServer;
let sockets: WebSocket[] = [];

beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  gateway = createGateway(t.app);
  http = await startHttp(t.app, { console: false, upgrade: gateway.upgrade, development: false });
});
afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  sockets = [];
  gateway.close();
  await http.stop(500);
  await t.dispose();
});

async function driver() {
  const token = await t.token("driver", await t.make.driver());
  const socket = new WebSocket(`ws://127.0.0.1:${http.port}/ws`);
  sockets.push(socket);
  const times: number[] = [];
  let ready = false;
  socket.on("open", () => socket.send(JSON.stringify({ type: "auth", token })));
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data)) as { type: string; data?: { sentAt: number } };
    if (frame.type === "ready") ready = true;
    if (frame.type === "event") times.push(performance.now() - (frame.data?.sentAt ?? 0));
  });
  const closed = new Promise<number>((resolve) => socket.once("close", (code) => resolve(code)));
  await waitUntil("ready", () => ready);
  return { socket, times, closed };
}

test("a reader that stops reading is closed with 3008 over 1 MiB, while another's events come as before", async () => {
  const [stuck, other] = [await driver(), await driver()];
  stuck.socket.pause();
  const padding = "x".repeat(8 * 1024);
  // 24 MiB: the kernel's buffers take some before the server's own grow.
  const sent = 3072;
  for (let n = 0; n < sent; n++) {
    t.app.bus.publish("drivers_channel", "news", { padding, sentAt: performance.now() });
    if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  // By now all has been sent, or given up. A reader who leaves the close unread for long is cut off without a word.
  stuck.socket.resume();
  expect(await stuck.closed).toBe(3008);
  await waitUntil("the other has all", () => other.times.length === sent);
  expect(stuck.times.length, "not all was kept for it").toBeLessThan(sent);
  const sorted = [...other.times].sort((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length * 0.95)]).toBeLessThan(300);
  expect(other.socket.readyState).toBe(WebSocket.OPEN);
});
