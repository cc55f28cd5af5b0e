import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { isSignedWith, signatureOf } from "#server/domain/signing/request-signature.ts";
import { hashPassword } from "#server/platform/crypto.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type Answer, call } from "#server/testing/http-calls.ts";

let t: TestApp;
let url: string;
let person: Device;
/** Where booking must be signed. */
let strict: TestApp;
let strictUrl: string;

interface Device {
  readonly token: string;
  readonly keyId: string;
  readonly secret: string;
}
interface Sent {
  readonly path: string;
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** A fresh sign-in of a new person. */
async function signIn(type: "customer" | "driver") {
  const id = await t.make[type]();
  const person = { id, type, role: null, name: "Test", email: null, phone: null, tokenVersion: 0 };
  return { id, person, ...(await t.app.identity.sessions.open(person, { ip: null, device: null })) };
}
const signedIn = async (type: "customer" | "driver") => (await signIn(type)).accessToken;

async function enrol(at: string, token: string, device = "phone"): Promise<Device> {
  const answer = await call(`${at}/api/v1/signing-keys`, { token, body: { device } });
  expect(answer.status, answer.text).toBe(201);
  return { token, keyId: String(answer.body.id), secret: String(answer.body.secret) };
}
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
  person = await enrol(url, await signedIn("customer"));
  strict = await createTestApp({ peerOf: t, env: { SIGNED_OPERATIONS: "rides.create, rides.accept" } });
  strictUrl = await strict.listen();
});
afterAll(async () => {
  await strict.dispose();
  await t.dispose();
});

const BOOKING = JSON.stringify({
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  vehicleCategory: "economy",
  paymentMethod: "cash",
});
const nowSeconds = () => Math.floor(Date.now() / 1000);

/** A signed request, as an app would send it. */
function signed(
  device: Device,
  {
    path = "/api/v1/trips",
    body = BOOKING,
    method = "POST",
    at = nowSeconds(),
    nonce = randomBytes(16).toString("hex"),
  } = {},
): Sent {
  const timestamp = String(at);
  const content = { method, target: path, body: Buffer.from(body), timestamp, nonce };
  return {
    path,
    body,
    headers: {
      "idempotency-key": newId(),
      "x-signature-key": device.keyId,
      "x-signature-timestamp": timestamp,
      "x-signature-nonce": nonce,
      "x-signature": signatureOf(device.secret, content),
    },
  };
}
const send = ({ path, body, headers }: Sent, at = url, token = person.token): Promise<Answer> =>
  call(`${at}${path}`, { token, headers, ...(body === "" ? { method: "GET" } : { body }) });
const verdict = async (answer: Promise<Answer>) => {
  const { status, body } = await answer;
  return [status, body.code];
};
const tripsBooked = () => t.value<number>("SELECT count(*)::int FROM trip_requests");

test("a right signature is taken, with a query too, and the key tells when it was used", async () => {
  expect((await send(signed(person))).status).toBe(201);
  expect(
    (await send(signed(person, { path: "/api/v1/trips?limit=5&status=pending", body: "", method: "GET" }))).status,
  ).toBe(200);
  const keys = await call(`${url}/api/v1/signing-keys`, { token: person.token, method: "GET" });
  expect(keys.body.items).toEqual([
    { id: person.keyId, device: "phone", createdAt: expect.any(String), lastUsedAt: expect.any(String) },
  ]);
  expect(keys.text).not.toContain(person.secret);
});

describe("a signature that is sent must be right, even where none is asked for", () => {
  const changed = (change: (sent: Sent) => Partial<Sent>) => {
    const sent = signed(person);
    return { ...sent, ...change(sent) };
  };
  const withHeader = (name: string, value: string) =>
    changed(({ headers }) => ({ headers: { ...headers, [name]: value } }));

  test.each([
    ["another body", () => changed(() => ({ body: BOOKING.replace("cash", "card") }))],
    ["the same body, written otherwise", () => changed(() => ({ body: `${BOOKING} ` }))],
    ["another path", () => changed(() => ({ path: `/api/v1/trips/${newId()}/cancel` }))],
    ["a query added", () => changed(() => ({ path: "/api/v1/trips?limit=1" }))],
    ["another nonce", () => withHeader("x-signature-nonce", "another-nonce-of-16")],
    ["another time", () => withHeader("x-signature-timestamp", String(nowSeconds() - 1))],
    ["half a signature", () => withHeader("x-signature", "abcd")],
    ["no signature beside the key", () => withHeader("x-signature", "")],
    ["a short nonce", () => withHeader("x-signature-nonce", "short")],
    ["a key that is none", () => withHeader("x-signature-key", newId())],
    ["a key that is no id", () => withHeader("x-signature-key", "' OR true --")],
    ["another secret", () => signed({ ...person, secret: "guessed" })],
  ])("%s: INVALID_SIGNATURE, and nothing is done", async (name, sent) => {
    const before = await tripsBooked();
    expect([name, ...(await verdict(send(sent())))]).toEqual([name, 400, "INVALID_SIGNATURE"]);
    expect(await tripsBooked()).toBe(before);
  });

  test("another method", async () => {
    const sent = signed(person, { path: "/api/v1/trips", body: "", method: "POST" });
    expect(await verdict(send(sent))).toEqual([400, "INVALID_SIGNATURE"]);
  });

  test("another person's key", async () => {
    const other = await enrol(url, await signedIn("customer"));
    expect(await verdict(send(signed(other)))).toEqual([400, "INVALID_SIGNATURE"]);
    expect((await send(signed(other), url, other.token)).status).toBe(201);
  });

  test("before 5 minutes ago, or after 5 minutes from now: SIGNATURE_EXPIRED", async () => {
    for (const seconds of [-310, 310, -86_400])
      expect(await verdict(send(signed(person, { at: nowSeconds() + seconds })))).toEqual([400, "SIGNATURE_EXPIRED"]);
    for (const seconds of [-290, 290]) {
      const fresh = await enrol(url, await signedIn("customer"));
      expect((await send(signed(fresh, { at: nowSeconds() + seconds }), url, fresh.token)).status).toBe(201);
    }
    for (const timestamp of ["", "soon", "1e9", "-1", "0x10"])
      expect(await verdict(send(withHeader("x-signature-timestamp", timestamp)))).toEqual([400, "SIGNATURE_EXPIRED"]);
  });

  test("through the console's door it is refused: there is nothing to hold it to", async () => {
    const answer = await call(`${url}/api/trpc/rides.create`, {
      token: person.token,
      body: {},
      headers: signed(person).headers,
    });
    expect([answer.status, answer.body.code]).toEqual([400, "INVALID_SIGNATURE"]);
  });
});

describe("a nonce is good for one request", () => {
  test("sent again, in order or 20 at once, one is taken", async () => {
    const device = await enrol(url, await signedIn("driver"));
    const again = signed(device, { path: "/api/v1/rides/pending", body: "", method: "GET" });
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(again, url, device.token)));
    const codes = answers.map(({ status, body }) => (status === 200 ? "taken" : body.code));
    expect(codes.filter((code) => code === "taken")).toHaveLength(1);
    expect(codes.filter((code) => code === "SIGNATURE_REPLAYED")).toHaveLength(19);
    expect(await verdict(send(again, url, device.token))).toEqual([400, "SIGNATURE_REPLAYED"]);
    // Another process of the platform knows it too.
    expect(await verdict(send(again, strictUrl, device.token))).toEqual([400, "SIGNATURE_REPLAYED"]);
  });

  test("a forger cannot use up the nonce of a request to come", async () => {
    const device = await enrol(url, await signedIn("driver"));
    const good = signed(device, { path: "/api/v1/rides/pending", body: "", method: "GET" });
    const forged = { ...good, headers: { ...good.headers, "x-signature": "0".repeat(64) } };
    expect(await verdict(send(forged, url, device.token))).toEqual([400, "INVALID_SIGNATURE"]);
    expect((await send(good, url, device.token)).status).toBe(200);
  });

  test("it is kept longer than its timestamp would be taken", async () => {
    const device = await enrol(url, await signedIn("driver"));
    const at = nowSeconds() + 290;
    await send(signed(device, { path: "/api/v1/rides/pending", body: "", method: "GET", at }), url, device.token);
    const left = "SELECT extract(epoch FROM max(expires_at))::int FROM request_nonces WHERE key_id = $1";
    expect(await t.value<number>(left, [device.keyId])).toBeGreaterThan(at + 300);
  });

  test("mutation: with its nonce forgotten, the same request is taken again", async () => {
    const device = await enrol(url, await signedIn("driver"));
    const sent = signed(device, { path: "/api/v1/rides/pending", body: "", method: "GET" });
    expect((await send(sent, url, device.token)).status).toBe(200);
    await t.rows("DELETE FROM request_nonces WHERE key_id = $1", [device.keyId]);
    expect((await send(sent, url, device.token)).status).toBe(200);
  });
});

describe("where a setting asks for a signature", () => {
  test("the call is refused without one, by every door, and other calls are not", async () => {
    const device = await enrol(strictUrl, await signedIn("customer"));
    const bare = { path: "/api/v1/trips", body: BOOKING, headers: { "idempotency-key": newId() } };
    const before = await tripsBooked();
    expect(await verdict(send(bare, strictUrl, device.token))).toEqual([401, "SIGNATURE_REQUIRED"]);
    const old = {
      pickup_coordinates: [30.0444, 31.2357],
      destination_coordinates: [30.06, 31.25],
      vehicle_category_id: "economy",
    };
    const older = await call(`${strictUrl}/api/v1/customer/ride/store`, { token: device.token, body: old });
    expect([older.status, older.body.response_code]).toEqual([401, "signature_required_401"]);
    const trpc = await call(`${strictUrl}/api/trpc/rides.create`, {
      token: device.token,
      body: { json: JSON.parse(BOOKING) },
    });
    expect(trpc.status).toBe(401);
    expect(await tripsBooked()).toBe(before);
    expect((await call(`${strictUrl}/api/v1/trips`, { token: device.token, method: "GET" })).status).toBe(200);
    expect((await send(signed(device), strictUrl, device.token)).status).toBe(201);
  });

  test("a name that is no call stops the start", async () => {
    const misspelt = await createTestApp({ peerOf: t, env: { SIGNED_OPERATIONS: "rides.acept" } });
    await expect(misspelt.listen()).rejects.toThrow("no call is named rides.acept");
    await misspelt.dispose();
  });

  test("mutation: the same call without the setting needs none", async () => {
    const token = await signedIn("customer");
    expect(
      (await send({ path: "/api/v1/trips", body: BOOKING, headers: { "idempotency-key": newId() } }, url, token))
        .status,
    ).toBe(201);
  });
});

describe("keys", () => {
  test("the secret lies encrypted, and is never told again", async () => {
    const [row] = await t.rows<{ secret: string }>("SELECT secret FROM signing_keys WHERE id = $1", [person.keyId]);
    expect(row?.secret).toMatch(/^enc\./);
    const everything = await t.value<string>("SELECT string_agg(k::text, ' ') FROM signing_keys k");
    expect(everything).not.toContain(person.secret);
    expect(
      await t.value<number>("SELECT count(*)::int FROM idempotency_keys WHERE response_body LIKE '%secret%'"),
    ).toBe(0);
  });

  test("copied to another row it opens nothing", async () => {
    const token = await signedIn("customer");
    const [one, two] = [await enrol(url, token), await enrol(url, token)];
    await t.rows("UPDATE signing_keys SET secret = (SELECT secret FROM signing_keys WHERE id = $1) WHERE id = $2", [
      one.keyId,
      two.keyId,
    ]);
    expect((await send(signed({ ...one, keyId: two.keyId }), url, token)).status).toBe(500);
  });

  test("revoked, by its owner alone, it signs nothing more", async () => {
    const token = await signedIn("customer");
    const device = await enrol(url, token);
    const path = `${url}/api/v1/signing-keys/${device.keyId}/revoke`;
    expect((await call(path, { token: person.token, body: {} })).status).toBe(404);
    expect((await call(path, { token, body: {} })).body).toEqual({ revoked: true });
    expect(await verdict(send(signed(device), url, token))).toEqual([400, "INVALID_SIGNATURE"]);
    expect((await call(path, { token, body: {} })).status).toBe(404);
  });

  test("are given to a fresh sign-in only: a token that was stolen later, or that no sign-in made, gets none", async () => {
    const { id, accessToken: token } = await signIn("customer");
    const ask = (by: string) => call(`${url}/api/v1/signing-keys`, { token: by, body: { device: "phone" } });
    await t.rows("UPDATE sessions SET created_at = now() - interval '901 seconds' WHERE user_id = $1", [id]);
    const late = await ask(token);
    expect([late.status, late.body.code]).toEqual([403, "FORBIDDEN"]);
    expect(late.body.detail).toContain("within 15 minutes of signing in");
    expect((await ask(await t.token("customer", id))).status).toBe(403);
    await t.rows("UPDATE sessions SET created_at = now() - interval '890 seconds' WHERE user_id = $1", [id]);
    expect((await ask(token)).status).toBe(201);
  });

  /** Signs with a key of the person, who signs in anew to send it: is it still taken? */
  async function stillSigns(device: Device, person: Awaited<ReturnType<typeof signIn>>["person"]): Promise<boolean> {
    const [{ tv: tokenVersion } = { tv: 0 }] = await t.rows<{ tv: number }>(
      "SELECT token_version AS tv FROM users WHERE id = $1",
      [person.id],
    );
    const again = await t.app.identity.sessions.open({ ...person, tokenVersion }, { ip: null, device: null });
    const answer = await send(signed(device), url, again.accessToken);
    if (answer.status !== 201) expect(answer.body.code).toBe("INVALID_SIGNATURE");
    return answer.status === 201;
  }
  const REQUEST = { ip: null, device: null, requestId: "r" };
  const ENDS: Record<string, (me: Awaited<ReturnType<typeof signIn>>) => Promise<void>> = {
    "their password changes": async ({ id, person }) => {
      const old = "correct horse battery";
      await t.rows("UPDATE users SET password_hash = $2 WHERE id = $1", [id, await hashPassword(old)]);
      const actor = { id, type: person.type };
      const change = { oldPassword: old, newPassword: "purple elephant drives" };
      await t.app.identity.changePassword(actor, change, REQUEST);
    },
    "a refresh token of theirs is reused": async ({ refreshToken }) => {
      const next = await t.app.identity.sessions.refresh(refreshToken, REQUEST, null);
      await t.app.identity.sessions.refresh(next.refreshToken, REQUEST, null);
      await t.app.identity.sessions.refresh(refreshToken, REQUEST, null).catch(() => undefined);
    },
  };
  test.each(Object.keys(ENDS))("all of a person's end when %s; nobody else's does", async (what) => {
    const me = await signIn("customer");
    const [device, other] = [await enrol(url, me.accessToken), await enrol(url, me.accessToken)];
    expect(await stillSigns(device, me.person)).toBe(true);
    await ENDS[what]?.(me);
    expect([await stillSigns(device, me.person), await stillSigns(other, me.person)]).toEqual([false, false]);
    expect((await send(signed(person))).status).toBe(201);
    // Mutation: with the keys' end undone the same request is taken.
    await t.rows("UPDATE signing_keys SET revoked_at = NULL WHERE user_id = $1", [me.id]);
    expect(await stillSigns(device, me.person)).toBe(true);
  });

  test("of a closed account sign nothing, whatever token comes with them; opened again they stay ended", async () => {
    const me = await signIn("driver");
    const device = await enrol(url, me.accessToken);
    const verify = (userId: string | null) => {
      const { body, headers } = signed(device);
      const [timestamp, nonce] = [headers["x-signature-timestamp"] ?? "", headers["x-signature-nonce"] ?? ""];
      const content = { method: "POST", target: "/api/v1/trips", body: Buffer.from(body), timestamp, nonce };
      const signature = signatureOf(device.secret, content);
      return t.app.signing.verify(userId, { ...content, keyId: device.keyId, signature }).then(
        () => "taken",
        (error: { code: string }) => error.code,
      );
    };
    expect(await verify(me.id)).toBe("taken");
    await t.rows("UPDATE users SET is_active = false WHERE id = $1", [me.id]);
    expect([await verify(me.id), await verify(null)]).toEqual(["INVALID_SIGNATURE", "INVALID_SIGNATURE"]);

    const closed = await t.make.operator("viewer");
    await t.rows("UPDATE signing_keys SET user_id = $2 WHERE id = $1", [device.keyId, closed]);
    expect(await verify(closed)).toBe("taken");
    const boss = await t.make.operator();
    for (const active of [false, true])
      await t.app.people.setActive(boss, { id: closed, active }, async () => undefined);
    expect(await verify(closed)).toBe("INVALID_SIGNATURE");
  });

  test("ten devices, not more", async () => {
    const token = await signedIn("customer");
    for (let n = 0; n < 10; n++) await enrol(url, token, `phone ${n}`);
    expect((await call(`${url}/api/v1/signing-keys`, { token, body: { device: "one more" } })).status).toBe(400);
  });
});

test("what is signed: a vector worked out apart from this code", () => {
  const request = {
    keyId: "k",
    method: "POST",
    target: "/api/v1/trips?a=1",
    body: Buffer.from('{"a":1}'),
    timestamp: "1795000000",
    nonce: "0123456789abcdef",
    signature: "277e43371ab2df94f009b2bcd38fc9b0f98e68a01f9e2c323e36d9dd64e33e4d",
  };
  expect(isSignedWith("secret", request)).toBe(true);
  expect(
    isSignedWith("secret", { ...request, signature: request.signature.replace(/^./, (c) => (c === "0" ? "1" : "0")) }),
  ).toBe(false);
});
