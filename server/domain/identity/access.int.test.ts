import { afterEach, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { channels } from "#server/contracts/realtime.ts";
import { AccessDirectory } from "#server/domain/identity/access-directory.ts";
import { startHttp } from "#server/http/server.ts";
import { LocalBus } from "#server/platform/bus.ts";
import { systemClock } from "#server/platform/clock.ts";
import { createGateway } from "#server/realtime/gateway.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp();
});
afterEach(() => t.dispose());

const get = async (app: TestApp, name: string, token: string) =>
  call(`${await app.listen()}/api/trpc/${name}`, { token, method: "GET" });
const takeAway = (permission: string) =>
  t.rows("UPDATE roles SET permissions = array_remove(permissions, $1), version = version + 1 WHERE name = 'viewer'", [
    permission,
  ]);

describe("a permission taken away", () => {
  test("is gone in every process as soon as the news is there", async () => {
    const peer = await createTestApp({ peerOf: t });
    try {
      const token = await t.operatorToken(await t.make.operator("viewer"));
      for (const app of [t, peer]) expect((await get(app, "locks.list", token)).status).toBe(200);
      await takeAway("locks.view");
      t.app.access.changed();
      await waitUntil("the peer refuses", async () => (await get(peer, "locks.list", token)).status === 403, 1500);
      const refused = await get(t, "locks.list", token);
      expect(refused.status).toBe(403);
      expect(refused.text).toContain("needs locks.view");
    } finally {
      await peer.dispose();
    }
  });

  test("is gone in 5 s though nobody tells", async () => {
    const token = await t.operatorToken(await t.make.operator("viewer"));
    expect((await get(t, "locks.list", token)).status).toBe(200);
    await takeAway("locks.view");
    await waitUntil("it is refused", async () => (await get(t, "locks.list", token)).status === 403, 5000);
  });

  test("mutation: a directory that never reads again goes on allowing it", async () => {
    const id = await t.make.operator("viewer");
    const stopped = { ...systemClock, monotonicMs: () => 0 };
    const access = new AccessDirectory({ db: t.app.db.pool, bus: new LocalBus(systemClock), clock: stopped });
    await access.assert(id, "locks.view");
    await takeAway("locks.view");
    await expect(access.assert(id, "locks.view")).resolves.toMatchObject({ role: "viewer" });
    await expect(t.app.access.assert(id, "locks.view")).rejects.toMatchObject({ code: "FORBIDDEN" });
    access.close();
  });

  test("ends an open stream, with the reason", async () => {
    const token = await t.operatorToken(await t.make.operator("viewer"));
    const stop = new AbortController();
    const response = await fetch(`${await t.listen()}/api/trpc/trips.feed`, {
      headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
      signal: stop.signal,
    });
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    await waitUntil("the first tick", () => text.includes("data:"), 3000);
    await takeAway("trips.view");
    await waitUntil("the refusal", () => text.includes("needs trips.view"), 5000);
    expect(text).toContain("FORBIDDEN");
    stop.abort();
    await reading;
  });

  test("ends an operator's subscription on a socket, and the others stay", async () => {
    const gateway = createGateway(t.app);
    const http = await startHttp(t.app, { console: false, upgrade: gateway.upgrade, development: false });
    const trip = await t.make.trip();
    const socket = new WebSocket(`ws://127.0.0.1:${http.port}/ws`);
    const frames: { type: string; channel?: string; code?: string; event?: string }[] = [];
    socket.on("message", (data) => frames.push(JSON.parse(String(data))));
    await new Promise((resolve) => socket.once("open", resolve));
    try {
      const token = await t.operatorToken(await t.make.operator("viewer"));
      socket.send(JSON.stringify({ type: "auth", token }));
      for (const channel of [channels.trip(trip), "drivers_channel"])
        socket.send(JSON.stringify({ type: "subscribe", channel }));
      await waitUntil("both", () => frames.filter(({ type }) => type === "subscribed").length === 2, 3000);
      await takeAway("trips.view");
      await waitUntil("the end of one", () => frames.some(({ type }) => type === "unsubscribed"), 5000);
      t.app.bus.publish(channels.trip(trip), "trip.changed", {});
      t.app.bus.publish("drivers_channel", "hello", {});
      await waitUntil("the other's event", () => frames.some(({ event }) => event === "hello"), 3000);
      expect(frames.slice(3)).toEqual([
        { type: "unsubscribed", channel: channels.trip(trip) },
        expect.objectContaining({ type: "error", code: "FORBIDDEN" }),
        expect.objectContaining({ type: "event", channel: "drivers_channel" }),
      ]);
      await t.rows("UPDATE users SET is_active = false WHERE user_type = 'operator'");
      const closed = new Promise((resolve) => socket.once("close", resolve));
      t.app.access.changed();
      expect(await closed).toBe(3003);
    } finally {
      socket.terminate();
      gateway.close();
      await http.stop(500);
    }
  });

  test("a closed account's token is worth nothing at once", async () => {
    const [admin, other] = [await t.make.operator(), await t.make.operator("viewer")];
    const token = await t.operatorToken(other);
    expect((await get(t, "session.me", token)).status).toBe(200);
    await t.app.people.setActive(admin, { id: other, active: false }, async () => undefined);
    expect((await get(t, "session.me", token)).status).toBe(401);
  });
});
