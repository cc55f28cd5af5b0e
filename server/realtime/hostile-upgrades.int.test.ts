import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "#server/config/env.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";

/** A process of its own: what these tests were made for ended it. */
let t: TestApp;
let server: TestServer;
let port: number;
beforeAll(async () => {
  t = await createTestApp();
  // The other tests need no gateway, and their helper's type names none.
  const roles = "web,gateway";
  server = await spawnServer({ roles, env: { ...t.env, PUBLIC_URL: "https://ops.example.com" } });
  port = Number(new URL(server.url).port);
});
afterAll(async () => {
  await server.stop();
  await t.dispose();
});

const upgradeOf = (path: string, origin?: string) =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
    "\r\n",
  ].join("\r\n");

/** The status of the answer, once the server has ended its side. */
function statusOf(request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.write(request));
    socket.on("data", (data) => {
      answer += data.toString();
      if (answer.startsWith("HTTP/1.1 101")) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("end", () => socket.destroy());
    socket.on("close", () => resolve(Number(answer.split(" ")[1])));
  });
}

function resetAfter(request: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(request, () => socket.resetAndDestroy()));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}

async function expectAlive(): Promise<void> {
  expect(server.words, "the server died of it").toEqual([]);
  expect((await call(`${server.url}/health/live`, { method: "GET" })).status).toBe(200);
}

test("an address that is none is refused with 400", async () => {
  for (const path of ["//", "///", "/\\", "http://"])
    expect([path, await statusOf(upgradeOf(path))]).toEqual([path, 400]);
  expect(await statusOf(upgradeOf("/nowhere"))).toBe(404);
  const plain = `GET // HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
  expect(await statusOf(plain)).toBe(404);
  await expectAlive();
});

test("only the public address's pages are let in, though another asks the host that it has itself", async () => {
  const origins = { "https://ops.example.com": 101, [`http://127.0.0.1:${port}`]: 403, "https://evil.example": 403 };
  for (const [origin, status] of Object.entries({ ...origins, null: 403, "//": 403 }))
    expect([origin, await statusOf(upgradeOf("/ws", origin))]).toEqual([origin, status]);
  await expectAlive();
});

test("clients that reset while their upgrade is refused, or taken, leave the server standing", async () => {
  const requests = [
    upgradeOf("/nowhere"),
    upgradeOf("//"),
    upgradeOf("/ws?token=x"),
    upgradeOf("/ws", "https://evil.example"),
    upgradeOf("/ws"),
  ];
  for (let round = 0; round < 20; round++) await Promise.all(requests.map(resetAfter));
  await expectAlive();
});

test("PUBLIC_URL must say its scheme; none at all is allowed", () => {
  const publicUrl = (value: string) => loadConfig({ ...t.env, PUBLIC_URL: value }).http.publicUrl;
  for (const wrong of ["ops.example.com", "localhost:3000", "//ops.example.com", "ftp://ops.example.com"])
    expect(() => publicUrl(wrong), wrong).toThrow(/PUBLIC_URL: .*https:\/\//);
  expect(publicUrl(" https://ops.example.com ")).toBe("https://ops.example.com");
  expect(publicUrl("")).toBeNull();
});
