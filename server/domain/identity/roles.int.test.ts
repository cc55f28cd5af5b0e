import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PERMISSIONS, type Permission } from "#server/contracts/permissions.ts";
import { assertHoldsAll } from "#server/domain/identity/role-rules.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  await t.rows(
    "INSERT INTO roles (name, title, permissions) VALUES ('keeper', 'Keeper', '{users.view,users.manage,settings.manage,trips.view}')",
  );
});
afterEach(() => t.dispose());

const REASON = "a test of roles";
/** Calls a mutation as an operator; the answer's data, or its error's code and words. */
async function change(actorId: string, name: string, input: object) {
  const token = await t.operatorToken(actorId);
  const { status, body } = await call(`${await t.listen()}/api/trpc/${name}`, {
    token,
    body: { json: { reason: REASON, ...input } },
  });
  const { result, error } = body as {
    result?: { data: { json: unknown } };
    error?: { json: { message: string; data: { domainCode: string } } };
  };
  return { status, data: result?.data.json, code: error?.json.data.domainCode, detail: error?.json.message };
}
const grid = () => t.rows("SELECT name, title, permissions, version FROM roles ORDER BY name");
const people = () => t.rows("SELECT id, role, is_active, token_version FROM users ORDER BY id");
const log = () => t.rows("SELECT action, subject_id, before, after, reason FROM activity_logs ORDER BY id");
const role = (name: string, permissions: readonly Permission[]) => ({ name, title: "A role", permissions });

test("admin holds every permission; the others what was seeded, each a known one", async () => {
  const roles = await t.app.roles.list();
  expect(roles.map(({ name, system }) => [name, system])).toEqual([
    ["admin", true],
    ["dispatcher", true],
    ["finance", true],
    ["support", true],
    ["viewer", true],
    ["keeper", false],
  ]);
  expect(roles[0]?.permissions).toEqual(PERMISSIONS);
  const stored = await t.rows<{ name: string }>("SELECT DISTINCT unnest(permissions) AS name FROM roles");
  expect(stored.map(({ name }) => name).filter((name) => !(PERMISSIONS as readonly string[]).includes(name))).toEqual(
    [],
  );
});

test("every change of roles and people needs its permission", async () => {
  const support = await t.make.operator("support");
  const calls: [string, object][] = [
    ["roles.create", role("night", [])],
    ["roles.update", { ...role("viewer", []), expectedVersion: 1 }],
    ["roles.remove", { name: "keeper", expectedVersion: 1 }],
    ["people.invite", { firstName: "A", lastName: "B", email: "a@b.example", role: "viewer" }],
    ["people.setRole", { id: support, role: "viewer", expectedRole: "support" }],
    ["people.setActive", { id: support, active: false }],
  ];
  const before = [await grid(), await people()];
  for (const [name, input] of calls)
    expect(await change(support, name, input), name).toMatchObject({
      status: 403,
      detail: expect.stringMatching(/needs (settings|users)\.manage/),
    });
  expect([await grid(), await people()]).toEqual(before);
});

describe("nobody gives what they do not hold", () => {
  test.each<[string, (keeper: string) => [string, object]]>([
    ["a new role", () => ["roles.create", role("night", ["trips.view", "payments.refund"])]],
    ["an edited role", () => ["roles.update", { ...role("viewer", ["payments.refund"]), expectedVersion: 1 }]],
    ["a role stripped", () => ["roles.update", { ...role("dispatcher", ["trips.view"]), expectedVersion: 1 }]],
    ["an invitation", () => ["people.invite", { firstName: "A", lastName: "B", email: "a@b.example", role: "admin" }]],
    ["their own role", () => ["roles.update", { ...role("keeper", ["trips.view"]), expectedVersion: 1 }]],
    ["admin", () => ["roles.update", { ...role("admin", ["trips.view"]), expectedVersion: 1 }]],
  ])("%s", async (_, make) => {
    const keeper = await t.make.operator("keeper");
    const before = [await grid(), await people()];
    const [name, input] = make(keeper);
    expect(await change(keeper, name, input)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect([await grid(), await people(), await log()]).toEqual([...before, []]);
  });

  test("to a person, by a role; and nobody manages who holds more", async () => {
    const [keeper, viewer, admin] = [
      await t.make.operator("keeper"),
      await t.make.operator("keeper"),
      await t.make.operator(),
    ];
    const before = await people();
    expect(
      await change(keeper, "people.setRole", { id: viewer, role: "finance", expectedRole: "keeper" }),
    ).toMatchObject({ status: 403, detail: expect.stringContaining("payments.refund") });
    expect(await change(keeper, "people.setActive", { id: admin, active: false })).toMatchObject({ status: 403 });
    expect(await change(keeper, "people.setRole", { id: admin, role: "keeper", expectedRole: "admin" })).toMatchObject({
      status: 403,
    });
    expect(await people()).toEqual(before);
  });

  test("mutation: a rule that looks at nobody's holdings lets it through", () => {
    const wanted: Permission[] = ["payments.refund"];
    expect(() => assertHoldsAll(new Set(["trips.view"]), wanted, "give or take away")).toThrow("payments.refund");
    expect(() => assertHoldsAll(new Set(PERMISSIONS), wanted, "give or take away")).not.toThrow();
  });
});

test("nobody changes their own role or account", async () => {
  const [admin] = [await t.make.operator(), await t.make.operator()];
  const before = await people();
  expect(await change(admin, "people.setRole", { id: admin, role: "viewer", expectedRole: "admin" })).toMatchObject({
    status: 403,
    detail: expect.stringContaining("their own role"),
  });
  expect(await change(admin, "people.setActive", { id: admin, active: false })).toMatchObject({ status: 403 });
  expect(await people()).toEqual(before);
});

test("two admins who take each other's role at once: one stays", async () => {
  for (let round = 0; round < 5; round++) {
    const [a, b] = [await t.make.operator(), await t.make.operator()];
    await t.rows("UPDATE users SET is_active = false WHERE role = 'admin' AND id <> ALL($1::uuid[])", [[a, b]]);
    t.app.access.changed();
    const none = async () => undefined;
    const outcomes = await Promise.allSettled([
      t.app.people.setRole(a, { id: b, role: "viewer", expectedRole: "admin" }, none),
      t.app.people.setActive(b, { id: a, active: false }, none),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await t.value("SELECT count(*)::int FROM users WHERE role = 'admin' AND is_active")).toBe(1);
  }
});

test("the last admin stays, also against one who holds everything under another name", async () => {
  const admin = await t.make.operator();
  await t.rows("INSERT INTO roles (name, title, permissions) VALUES ('twin', 'Twin', $1)", [PERMISSIONS]);
  const twin = await t.make.operator("twin");
  for (const [name, input] of [
    ["people.setRole", { id: admin, role: "viewer", expectedRole: "admin" }],
    ["people.setActive", { id: admin, active: false }],
  ] as const)
    expect(await change(twin, name, input)).toMatchObject({
      status: 403,
      detail: expect.stringContaining("last admin"),
    });
  expect(await t.value("SELECT count(*)::int FROM users WHERE role = 'admin' AND is_active")).toBe(1);
});

test("an edited role is of what its editor saw, once, and is in the log with what it was", async () => {
  const admin = await t.make.operator();
  const edit = { name: "viewer", title: "Looks on", permissions: ["trips.view"], expectedVersion: 1 };
  const both = await Promise.all([change(admin, "roles.update", edit), change(admin, "roles.update", edit)]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(await log()).toEqual([
    {
      action: "role.update",
      subject_id: "viewer",
      before: { title: "Viewer", permissions: expect.arrayContaining(["locks.view"]) },
      after: { title: "Looks on", permissions: ["trips.view"] },
      reason: REASON,
    },
  ]);
});

test("without its row in the log nothing changes", async () => {
  const [admin, viewer] = [await t.make.operator(), await t.make.operator("viewer")];
  await t.rows("ALTER TABLE activity_logs ADD CONSTRAINT none CHECK (false)");
  const before = [await grid(), await people()];
  for (const [name, input] of [
    ["roles.update", { ...role("viewer", []), expectedVersion: 1 }],
    ["roles.create", role("night", [])],
    ["people.setRole", { id: viewer, role: "support", expectedRole: "viewer" }],
    ["people.setActive", { id: viewer, active: false }],
  ] as const)
    expect(await change(admin, name, input), name).toMatchObject({ status: 500 });
  expect([await grid(), await people()]).toEqual(before);
});

test("a role goes when nobody has it", async () => {
  const [admin, keeper] = [await t.make.operator(), await t.make.operator("keeper")];
  const remove = () => change(admin, "roles.remove", { name: "keeper", expectedVersion: 1 });
  expect(await remove()).toMatchObject({ status: 409, detail: expect.stringContaining("people have this role") });
  expect(await change(admin, "roles.remove", { name: "viewer", expectedVersion: 1 })).toMatchObject({ status: 409 });
  await change(admin, "people.setRole", { id: keeper, role: "viewer", expectedRole: "keeper" });
  expect(await remove()).toMatchObject({ status: 200 });
});

test("who was locked out by wrong passwords is let in again by one who may manage people", async () => {
  const [admin, other] = [await t.make.operator(), await t.make.operator("viewer")];
  await t.rows("UPDATE users SET email = 'heba@example.com' WHERE id = $1", [other]);
  const unlock = () => change(admin, "people.unlock", { id: other });
  expect(await unlock()).toMatchObject({ status: 409, detail: expect.stringContaining("not locked out") });
  for (let n = 0; n < 10; n++)
    await t.app.identity
      .signInOperator("heba@example.com", { password: "wrong" }, { ip: null, device: null, requestId: "r" })
      .catch(() => undefined);
  const lockOf = async () => (await t.app.people.list()).find(({ id }) => id === other)?.lockedUntil;
  expect(await lockOf()).toEqual(expect.any(String));
  expect(await unlock()).toMatchObject({ status: 200 });
  expect(await lockOf()).toBeNull();
  expect(await t.rows("SELECT action FROM activity_logs WHERE action = 'operator.unlock'")).toHaveLength(1);
});

test("an invited operator signs in with the password shown once, which is kept nowhere", async () => {
  const admin = await t.make.operator();
  const input = { firstName: "Mona", lastName: "Zaki", email: "Mona@Example.com", role: "dispatcher" };
  const { data } = await change(admin, "people.invite", input);
  const { id, password } = data as { id: string; password: string };
  expect(
    await t.app.identity.signInOperator("mona@example.com", { password }, { ip: null, device: null, requestId: "r" }),
  ).toMatchObject({ id });
  const kept = await t.rows(
    "SELECT to_jsonb(u)::text AS row FROM users u UNION ALL SELECT to_jsonb(l)::text FROM activity_logs l UNION ALL SELECT to_jsonb(k)::text FROM idempotency_keys k",
  );
  expect(JSON.stringify(kept)).not.toContain(password);
  expect(await change(admin, "people.invite", input)).toMatchObject({
    status: 409,
    detail: expect.stringContaining("already"),
  });
});
