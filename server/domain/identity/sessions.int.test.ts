import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { RevocationList } from "#server/domain/identity/revocation-list.ts";
import { Tokens } from "#server/domain/identity/tokens.ts";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { LocalBus } from "#server/platform/bus.ts";
import { systemClock } from "#server/platform/clock.ts";
import { hashPassword, sha256Hex } from "#server/platform/crypto.ts";
import { createGateway, type Gateway } from "#server/realtime/gateway.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { waitUntil } from "#server/testing/wait.ts";

const PASSWORD = "correct horse battery";
const ORIGIN = { ip: "10.1.1.1", device: "SmartLine/9 (Android)" };
const REQUEST = { ...ORIGIN, requestId: "r" };
let t: TestApp;
let peer: TestApp;
let url: string;
let peerUrl: string;
let gateway: Gateway;
let http: HttpServer;
let hash: string;

beforeAll(async () => {
  hash = await hashPassword(PASSWORD);
  // Limits have tests of their own: here one address signs in more often than any person.
  t = await createTestApp({ env: { RATE_LIMITS: "off" } });
  peer = await createTestApp({ peerOf: t, env: { RATE_LIMITS: "off" } });
  [url, peerUrl] = [await t.listen(), await peer.listen()];
  gateway = createGateway(peer.app);
  http = await startHttp(peer.app, { console: false, upgrade: gateway.upgrade, development: false });
});
afterAll(async () => {
  gateway.close();
  await http.stop(500);
  await peer.dispose();
  await t.dispose();
});

async function person(type: "customer" | "operator" = "customer") {
  const id = await (type === "operator" ? t.make.operator("viewer") : t.make.customer());
  await t.rows("UPDATE users SET password_hash = $2, email = $3 WHERE id = $1", [id, hash, `${id}@example.com`]);
  const { email } = { email: `${id}@example.com` };
  const signIn = () => t.app.identity.login({ email }, { password: PASSWORD }, REQUEST);
  return { id, email, signIn };
}
const auth = (path: string, options: object, base = url) => call(`${base}/api/v1/auth/${path}`, options);
const refresh = (refreshToken: string, headers: Record<string, string> = {}, base = url) =>
  auth("refresh", { body: { refreshToken }, headers }, base);
const sessionsOf = async (token: string, base = url) => (await auth("sessions", { token, method: "GET" }, base)).status;

describe("refresh tokens", () => {
  test("are exchanged once; the reuse of an old one ends the whole family, in every process", async () => {
    const { signIn } = await person();
    const first = await signIn();
    const second = await refresh(first.refreshToken);
    expect(second.status).toBe(200);
    expect(second.body.refreshToken).not.toBe(first.refreshToken);
    const third = await refresh(String(second.body.refreshToken));
    expect(await sessionsOf(String(third.body.accessToken), peerUrl)).toBe(200);
    expect((await refresh(first.refreshToken)).status).toBe(401);
    expect((await refresh(String(third.body.refreshToken))).status).toBe(401);
    await waitUntil(
      "the peer refuses",
      async () => (await sessionsOf(String(third.body.accessToken), peerUrl)) === 401,
      5000,
    );
  });

  test("presented twice at once they answer the same successor, and nobody is signed out", async () => {
    const { signIn } = await person();
    const { refreshToken } = await signIn();
    const both = await Promise.all([refresh(refreshToken), refresh(refreshToken, {}, peerUrl), refresh(refreshToken)]);
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(both.map(({ body }) => body.refreshToken)).size).toBe(1);
    expect((await refresh(String(both[0]?.body.refreshToken))).status).toBe(200);
  });

  test("asked again under the same Idempotency-Key they answer the same successor, until that is used", async () => {
    const { signIn } = await person();
    const { refreshToken } = await signIn();
    const key = { "idempotency-key": "k-1" };
    const [one, two] = [await refresh(refreshToken, key), await refresh(refreshToken, key)];
    expect(two.body.refreshToken).toBe(one.body.refreshToken);
    expect((await refresh(String(one.body.refreshToken))).status).toBe(200);
    expect((await refresh(refreshToken, key)).status).toBe(401);
    const other = await (await person()).signIn();
    await refresh(other.refreshToken, key);
    expect((await refresh(other.refreshToken, { "idempotency-key": "k-2" })).status).toBe(401);
  });

  test("are random, stored as hashes only, and end after thirty days", async () => {
    const { signIn, id } = await person();
    const { refreshToken } = await signIn();
    const kept = JSON.stringify(await t.rows("SELECT * FROM refresh_tokens"));
    expect(kept).not.toContain(refreshToken);
    expect(kept).toContain(sha256Hex(refreshToken));
    expect(
      await t.value(
        "SELECT round(extract(epoch FROM max(expires_at) - now()) / 86400)::int FROM sessions WHERE user_id = $1",
        [id],
      ),
    ).toBe(30);
    await t.rows("UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE token_hash = $1", [
      sha256Hex(refreshToken),
    ]);
    expect((await refresh(refreshToken)).status).toBe(401);
    expect((await refresh("nonsense")).status).toBe(401);
  });

  test("of a closed account are worth nothing", async () => {
    const { signIn, id } = await person();
    const { refreshToken } = await signIn();
    await t.rows("UPDATE users SET is_active = false WHERE id = $1", [id]);
    expect((await refresh(refreshToken)).status).toBe(401);
  });

  test("mutation: with the family's end undone, what was stolen goes on", async () => {
    const { signIn, id } = await person();
    const { refreshToken } = await signIn();
    const second = await refresh(refreshToken);
    expect((await refresh(refreshToken)).status).toBe(401);
    await t.rows("UPDATE sessions SET revoked_at = NULL, revoked_why = NULL WHERE user_id = $1", [id]);
    expect((await refresh(String(second.body.refreshToken))).status).toBe(200);
  });
});

describe("what is taken away is gone within five seconds", () => {
  test("logout: this session's tokens, and no other's", async () => {
    const { signIn } = await person();
    const [one, two] = [await signIn(), await signIn()];
    for (const { accessToken } of [one, two]) expect(await sessionsOf(accessToken, peerUrl)).toBe(200);
    expect((await auth("logout", { token: one.accessToken })).body).toEqual({ ended: true });
    await waitUntil("the peer refuses", async () => (await sessionsOf(one.accessToken, peerUrl)) === 401, 5000);
    expect((await refresh(one.refreshToken)).status).toBe(401);
    expect(await sessionsOf(two.accessToken, peerUrl)).toBe(200);
  });

  test("a changed password: every other token at once, also those that no session made; this one goes on", async () => {
    const { signIn, id } = await person();
    const [mine, other] = [await signIn(), await signIn()];
    const bare = await t.token("customer", id);
    for (const token of [mine.accessToken, other.accessToken, bare]) expect(await sessionsOf(token, peerUrl)).toBe(200);
    const wrong = await auth("password", {
      token: mine.accessToken,
      body: { oldPassword: "no", newPassword: "a quite new sentence" },
    });
    expect([wrong.status, wrong.body.errors]).toEqual([400, [{ path: "oldPassword", message: "not your password" }]]);
    const weak = await auth("password", {
      token: mine.accessToken,
      body: { oldPassword: PASSWORD, newPassword: "12345678" },
    });
    expect([weak.status, (weak.body.errors as { path: string }[])[0]?.path]).toEqual([400, "newPassword"]);
    const body = { oldPassword: PASSWORD, newPassword: "a quite new sentence" };
    const changed = await auth("password", { token: mine.accessToken, body });
    expect([changed.status, changed.body.sessionsEnded]).toEqual([200, 1]);
    for (const token of [other.accessToken, bare])
      await waitUntil("the peer refuses", async () => (await sessionsOf(token, peerUrl)) === 401, 5000);
    expect((await refresh(other.refreshToken)).status).toBe(401);
    expect(await sessionsOf(mine.accessToken)).toBe(200);
    expect(await sessionsOf(String(changed.body.accessToken), peerUrl)).toBe(200);
    expect((await refresh(mine.refreshToken)).status).toBe(200);
    await expect(signIn()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test("one's own sessions are listed and ended; another's are not found", async () => {
    const [me, stranger] = [await person(), await person()];
    const [here, there] = [await me.signIn(), await me.signIn()];
    const list = await auth("sessions", { token: here.accessToken, method: "GET" });
    const sessions = list.body.sessions as { id: string; current: boolean; device: string; ip: string }[];
    expect(sessions.map(({ current }) => current).sort()).toEqual([false, true]);
    expect(sessions[0]).toMatchObject({ device: ORIGIN.device, ip: ORIGIN.ip, kind: "app" });
    const other = sessions.find(({ current }) => !current)?.id ?? "";
    const theirs = await stranger.signIn();
    expect((await auth(`sessions/${other}/revoke`, { token: theirs.accessToken, body: {} })).status).toBe(404);
    expect((await auth(`sessions/${other}/revoke`, { token: here.accessToken, body: {} })).status).toBe(200);
    await waitUntil("it is refused", async () => (await sessionsOf(there.accessToken, peerUrl)) === 401, 5000);
  });

  test("an open socket in another process is closed, and hears nothing from then on", async () => {
    const { signIn, id } = await person();
    const { accessToken } = await signIn();
    const socket = new WebSocket(`ws://127.0.0.1:${http.port}/ws`);
    const frames: string[] = [];
    socket.on("message", (data) => frames.push(String(data)));
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send(JSON.stringify({ type: "auth", token: accessToken }));
    await waitUntil("ready", () => frames.length > 0, 3000);
    await auth("logout", { token: accessToken });
    expect(await closed).toBe(3003);
    peer.app.bus.publish(`driver-trip-accepted.${id}`, "trip.accepted", {});
    expect(frames).toHaveLength(1);
  });

  test("also when the news is lost: by SQL alone, nobody told", async () => {
    const { signIn, id } = await person();
    const { accessToken } = await signIn();
    expect(await sessionsOf(accessToken, peerUrl)).toBe(200);
    await t.rows("UPDATE users SET is_active = false WHERE id = $1", [id]);
    const started = performance.now();
    await waitUntil(
      "both refuse",
      async () => (await sessionsOf(accessToken)) + (await sessionsOf(accessToken, peerUrl)) === 802,
      5000,
    );
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("checking costs no round trip: verified tokens are looked up in memory", async () => {
    const { signIn } = await person();
    const { accessToken } = await signIn();
    let statements = 0;
    const db = { ...t.app.db, pool: { query: () => void statements++ } } as never;
    const list = new RevocationList({ db, bus: new LocalBus(systemClock), clock: systemClock, logger: t.app.logger });
    const tokens = new Tokens(t.app.config.auth, list);
    for (let i = 0; i < 1000; i++) await tokens.verify(accessToken);
    expect(statements).toBe(0);
  });

  test("mutation: a process that reads no revocations goes on letting the token in", async () => {
    const { signIn } = await person();
    const { accessToken } = await signIn();
    const deaf = new Tokens(t.app.config.auth, null);
    await auth("logout", { token: accessToken });
    await waitUntil("it is refused", async () => (await sessionsOf(accessToken)) === 401, 5000);
    await expect(deaf.verify(accessToken)).resolves.toMatchObject({ type: "customer" });
    await expect(t.app.tokens.verify(accessToken)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

test("a password changed while its old one signs in: the sign-in fails or its session ends", async () => {
  for (let round = 0; round < 5; round++) {
    const { signIn, id } = await person();
    const mine = await signIn();
    const body = { oldPassword: PASSWORD, newPassword: "a quite new sentence" };
    const [raced] = await Promise.allSettled([signIn(), auth("password", { token: mine.accessToken, body })]);
    const live = await t.value<number>("SELECT count(*)::int FROM sessions WHERE user_id = $1 AND revoked_at IS NULL", [
      id,
    ]);
    expect(live, raced?.status).toBe(1);
  }
});
