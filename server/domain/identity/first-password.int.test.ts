import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import type { ProcedureMeta } from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const EMAIL = "noor@smartline.example";
const OWN = "a quiet lantern by the river";

/** An operator as they come out of an invitation: their id and first password. */
const invited = async (role = "admin") =>
  t.app.people.invite(
    await t.make.operator(),
    { firstName: "Noor", lastName: "Invited", email: EMAIL, role },
    async () => undefined,
  );

async function signIn(password: string) {
  const { status, body } = await call(`${await t.listen()}/api/v1/auth/login`, { body: { email: EMAIL, password } });
  expect(status).toBe(200);
  return String(body.accessToken);
}

interface Walked {
  readonly path: string;
  readonly type: "query" | "mutation" | "subscription";
  readonly meta: ProcedureMeta;
}
const walked = Object.entries(
  appRouter._def.procedures as unknown as Record<string, { _def: { type: Walked["type"]; meta: ProcedureMeta } }>,
).map(([path, { _def }]): Walked => ({ path, type: _def.type, meta: _def.meta }));
/** All that an operator may call, by tRPC, its streams among them; who may call is judged before what they sent. */
const operators = walked.filter(({ meta }) => meta.auth === "operator" || meta.auth === "anyone");

async function codeByTrpc(token: string, { path, type }: Walked): Promise<string> {
  const at = `${await t.listen()}/api/trpc/${path}`;
  const { body, text } =
    type === "mutation"
      ? await call(at, { token, body: { json: {} } })
      : await call(`${at}?input=${encodeURIComponent('{"json":{}}')}`, { token, method: "GET" });
  const error = (body as { error?: { json: { data: { domainCode: string } } } }).error;
  return error?.json.data.domainCode ?? /"domainCode":"(\w+)"/.exec(text)?.[1] ?? "none";
}

describe("with the password of the invitation", () => {
  test("every procedure of operators is refused by tRPC, streams too; mutation: with an own password none is", async () => {
    const { id, password } = await invited();
    const token = await signIn(password);
    expect(operators.length).toBeGreaterThan(40);
    for (const procedure of operators.filter(({ path }) => path !== "auth.logout")) {
      const code = await codeByTrpc(token, procedure);
      if (procedure.path === "auth.changePassword") expect(code).toBe("VALIDATION_FAILED");
      else expect(code, procedure.path).toBe("PASSWORD_CHANGE_REQUIRED");
    }
    await t.rows("UPDATE users SET must_change_password = false WHERE id = $1", [id]);
    t.app.access.changed();
    for (const procedure of operators.filter(({ type, path }) => type !== "subscription" && path !== "auth.logout"))
      expect(await codeByTrpc(token, procedure), procedure.path).not.toBe("PASSWORD_CHANGE_REQUIRED");
  });

  test("one may still sign out", async () => {
    const { password } = await invited();
    const token = await signIn(password);
    const { status, body } = await call(`${await t.listen()}/api/v1/auth/logout`, { token, body: {} });
    expect([status, body]).toEqual([200, { ended: true }]);
  });

  test("REST says 403 with the code, and what to do", async () => {
    const { password } = await invited();
    const token = await signIn(password);
    const { status, body } = await call(`${await t.listen()}/api/v1/auth/sessions`, { token, method: "GET" });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      code: "PASSWORD_CHANGE_REQUIRED",
      detail: expect.stringContaining("/api/v1/auth/password"),
    });
  });

  test("nothing of theirs is open to what asks what they hold: sockets, and what a page is drawn from", async () => {
    const { id } = await invited();
    expect(await t.app.access.of(id)).toBeNull();
    expect(await t.app.access.mustChangePassword(id)).toBe(true);
    const other = await t.make.operator();
    expect(await t.app.access.mustChangePassword(other)).toBe(false);
  });
});

test("changed, it opens what the role does, at once; the same again is no change", async () => {
  const { password } = await invited("viewer");
  const token = await signIn(password);
  const url = `${await t.listen()}/api/v1/auth/password`;
  const same = await call(url, { token, body: { oldPassword: password, newPassword: password } });
  expect([same.status, same.body.errors]).toEqual([400, [{ path: "newPassword", message: "take another one" }]]);
  const trips = walked.find(({ path }) => path === "trips.list") as Walked;
  expect(await codeByTrpc(token, trips)).toBe("PASSWORD_CHANGE_REQUIRED");

  const { status, body } = await call(url, { token, body: { oldPassword: password, newPassword: OWN } });
  expect(status).toBe(200);
  expect(await codeByTrpc(String(body.accessToken), trips)).toBe("none");
  expect(await codeByTrpc(await signIn(OWN), trips)).toBe("none");
});
