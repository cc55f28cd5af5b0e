import { Secret, TOTP } from "otpauth";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { hashPassword } from "#server/platform/crypto.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type Answer, call } from "#server/testing/http-calls.ts";
import type { ProcedureMeta } from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";

/**
 * Every change that an operator can make, made once by somebody who may: its row in the audit log, that there is no
 * change without the row, and that the answer to its Idempotency-Key is stored with it. Walked from the router: a new one
 * without a case here fails.
 */
const REASON = "a test of every change";
const PASSWORD = "correct horse battery staple";
const SQUARE = [
  [
    [
      [10, 10],
      [11, 10],
      [11, 11],
      [10, 10],
    ],
  ],
];

let t: TestApp;
let url: string;
let hash: string;
beforeAll(async () => {
  t = await createTestApp();
  url = await t.listen();
  hash = await hashPassword(PASSWORD);
});
afterAll(() => t.dispose());

interface Me {
  readonly id: string;
  readonly session: string;
}
/** What the change needs, made for it, and the input. */
type Case = (me: Me) => Promise<object>;

async function role(): Promise<string> {
  const name = `r${newId().replaceAll("-", "").slice(-20)}`;
  await t.rows("INSERT INTO roles (name, title, permissions) VALUES ($1, 'Made for a test', '{}')", [name]);
  return name;
}
async function pendingFactor(me: Me): Promise<TOTP> {
  const { secret } = await t.app.identity.secondFactor.begin(me.id, "Test", async () => undefined);
  return new TOTP({ secret: Secret.fromBase32(secret) });
}
async function acceptedTrip(): Promise<string> {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  await t.accept(trip, driver);
  return trip;
}
async function session(me: Me): Promise<string> {
  const id = newId();
  await t.rows(
    "INSERT INTO sessions (id, user_id, kind, expires_at) VALUES ($1, $2, 'app', now() + interval '1 day')",
    [id, me.id],
  );
  return id;
}

const CASES: Readonly<Record<string, Case>> = {
  "trips.cancel": async () => ({ id: await t.make.trip(), reason: REASON, expectedVersion: 0 }),
  "trips.release": async () => ({ id: await acceptedTrip(), reason: REASON, expectedVersion: 1 }),
  "trips.assign": async () => ({
    tripId: await t.make.trip(),
    driverId: await t.make.driver(),
    reason: REASON,
    expectedVersion: 0,
  }),
  "matching.setZone": async () => {
    await t.rows("DELETE FROM zone_matching_settings");
    const zoneId = await t.value<string>("SELECT id FROM zones LIMIT 1");
    return { zoneId, settings: { driversPerBatch: 3 }, expectedVersion: 0, reason: REASON };
  },
  "pricing.setFare": async () => {
    await t.rows("DELETE FROM trip_fares WHERE zone_id IS NOT NULL");
    const tariff = { baseFare: 1000, farePerKm: 500, farePerMin: 50, minimumFare: 2000 };
    const zoneId = await t.value<string>("SELECT id FROM zones LIMIT 1");
    const categoryId = await t.value<string>("SELECT id FROM vehicle_categories LIMIT 1");
    return { zoneId, categoryId, tariff, expectedVersion: 0, reason: REASON };
  },
  "pricing.setSurge": async () => {
    await t.rows("DELETE FROM zone_surge");
    const zoneId = await t.value<string>("SELECT id FROM zones LIMIT 1");
    return { zoneId, enabled: true, cap: 2, steps: null, override: null, expectedVersion: 0, reason: REASON };
  },
  "zones.save": async () => ({
    ...{ id: null, name: `Zone ${newId()}`, priority: 0, currency: "EGP", isActive: true, shape: SQUARE },
    ...{ acknowledgeOverlap: true, expectedVersion: 0, reason: REASON },
  }),
  "zones.remove": async () => {
    const id = newId();
    await t.rows("INSERT INTO zones (id, code, name) VALUES ($1, $2, 'To go')", [id, id]);
    return { id, expectedVersion: 1, reason: REASON };
  },
  "zones.import": async () => {
    const properties = { name: "Imported", code: newId() };
    const features = [{ type: "Feature", properties, geometry: { type: "MultiPolygon", coordinates: SQUARE } }];
    const { basis } = await t.app.zones.preview(features);
    return { features, basis, acknowledgeOverlap: true, reason: REASON };
  },
  "drivers.endReview": async () => {
    const driverId = await t.make.driver();
    await t.rows(
      "UPDATE driver_details SET under_review = true, review_reason = 'x', availability_status = 'unavailable' WHERE user_id = $1",
      [driverId],
    );
    return { driverId, reason: REASON };
  },
  "locks.release": async () => {
    const [tripId, driver] = [await t.make.trip(), await t.make.driver()];
    const { value } = await t.app.lock.acquire(tripId, driver);
    return { items: [{ tripId, value }], reason: REASON };
  },
  "locks.repairGhost": async () => {
    const driverId = await t.make.driver();
    await t.rows("UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = $1", [driverId]);
    return { driverId, reason: REASON };
  },
  "jobs.retry": async () => ({ queue: "low", ids: [newId()], reason: REASON }),
  "jobs.discard": async () => ({ queue: "low", ids: [newId()], reason: REASON }),
  "jobs.pause": async () => ({ queue: "low", reason: REASON }),
  "jobs.resume": async () => ({ queue: "low", reason: REASON }),
  "webhooks.reprocess": async () => {
    const id = newId();
    await t.rows(
      `INSERT INTO webhook_events (id, gateway, event_key, kind, raw_type, amount_is_signed, status, job_id, request_id, payload)
       VALUES ($1, 'sandbox', $2, 'failed', 'x', true, 'processed', $1, 'r', '{}')`,
      [id, id],
    );
    return { ids: [id], reason: REASON };
  },
  "people.invite": async () => ({
    firstName: "New",
    lastName: "Colleague",
    email: `${newId()}@example.com`,
    role: "viewer",
    reason: REASON,
  }),
  "people.setRole": async () => ({
    id: await t.make.operator("viewer"),
    role: "support",
    expectedRole: "viewer",
    reason: REASON,
  }),
  "people.unlock": async () => {
    const id = await t.make.operator("viewer");
    const email = `${id}@example.com`;
    await t.rows("UPDATE users SET email = $2, password_hash = $3 WHERE id = $1", [id, email, hash]);
    const request = { ip: null, device: null, requestId: "r" };
    await t.app.identity.login({ email }, { password: "wrong" }, request).catch(() => undefined);
    await t.rows("UPDATE sign_in_failures SET locked_until = now() + interval '1 hour'");
    return { id, reason: REASON };
  },
  "people.setActive": async () => ({ id: await t.make.operator("viewer"), active: false, reason: REASON }),
  "roles.create": async () => ({
    name: `r${newId().replaceAll("-", "").slice(-20)}`,
    title: "A new role",
    permissions: [],
    reason: REASON,
  }),
  "roles.update": async () => ({
    name: await role(),
    title: "Another title",
    permissions: ["trips.view"],
    expectedVersion: 1,
    reason: REASON,
  }),
  "roles.remove": async () => ({ name: await role(), expectedVersion: 1, reason: REASON }),
  "settings.set": async () => {
    await t.rows("DELETE FROM business_settings WHERE key = 'abuse.jump_seconds'");
    return { key: "abuse.jump_seconds", value: 5, expectedVersion: 0, reason: REASON };
  },
  "alerts.resolve": async () => {
    const subject = { type: "driver", id: await t.make.driver() } as const;
    await t.app.alerts.raiseWith(t.app.db.pool, {
      kind: "driver.teleported",
      severity: "info",
      subject,
      summary: "Jumped.",
    });
    return { id: await t.value("SELECT id FROM alerts WHERE subject_id = $1", [subject.id]), reason: REASON };
  },
  "audit.export": async () => ({ format: "csv" }),
  "account.beginSecondFactor": async () => ({ password: PASSWORD }),
  "account.confirmSecondFactor": async (me) => ({ code: (await pendingFactor(me)).generate() }),
  "account.switchOffSecondFactor": async (me) => {
    const code = (await pendingFactor(me)).generate();
    await t.app.identity.secondFactor.confirm(me.id, code, async () => undefined);
    return { password: PASSWORD };
  },
  "auth.logout": async () => ({}),
  "auth.changePassword": async () => ({ oldPassword: PASSWORD, newPassword: "quite another long phrase" }),
  "auth.revokeSession": async (me) => ({ id: await session(me) }),
};
/** Whoever is signed in may do these with their own account; an operator's are audited. */
const OF_ANYONE: Readonly<Record<string, string>> = {
  "auth.logout": "operator.sign_out",
  "auth.changePassword": "operator.password",
  "auth.revokeSession": "operator.session_ended",
};
/** Changed in Redis or a queue: done before their row can be written. */
const OUTSIDE_THE_DATABASE = ["locks.release", "jobs.retry", "jobs.discard", "jobs.pause", "jobs.resume"];
/** Each of their events is a transaction of its own, so that the answer to all of them is stored after. */
const MANY_TRANSACTIONS = ["webhooks.reprocess"];

interface Change {
  readonly path: string;
  readonly action: string;
  readonly keyed: boolean;
}
const procedures = Object.entries(
  appRouter._def.procedures as unknown as Record<string, { _def: { type: string; meta: ProcedureMeta } }>,
).map(([path, { _def }]) => ({ path, type: _def.type, meta: _def.meta }));
const changes: Change[] = procedures.flatMap(({ path, type, meta }) => {
  if (type !== "mutation" || (meta.auth !== "operator" && !(path in OF_ANYONE))) return [];
  return [{ path, action: meta.audit ?? OF_ANYONE[path] ?? "", keyed: meta.idempotency !== "none" }];
});
const named = (wanted: readonly Change[]) => wanted.map((change) => [change.path, change] as const);
const inTheDatabase = changes.filter(({ path }) => !OUTSIDE_THE_DATABASE.includes(path));

async function operator(): Promise<Me & { readonly token: string }> {
  const id = await t.make.operator();
  await t.rows("UPDATE users SET password_hash = $2, email = $3 WHERE id = $1", [id, hash, `me-${id}@example.com`]);
  const me = { id, session: "" };
  const own = await session(me);
  const subject = { id, type: "operator", role: "admin", name: "Test", tokenVersion: 0, sessionId: own } as const;
  return { id, session: own, token: await t.app.tokens.issue(subject, 3600) };
}

interface Made {
  readonly me: Me;
  readonly requestId: string;
  readonly key: string;
  send(): Promise<Answer>;
}
async function ready(path: string): Promise<Made> {
  const me = await operator();
  const json = await (CASES[path] as Case)(me);
  const [requestId, key] = [newId(), newId()];
  const headers = { "x-request-id": requestId, "idempotency-key": key };
  return {
    me,
    requestId,
    key,
    send: () => call(`${url}/api/trpc/${path}`, { token: me.token, body: { json }, headers }),
  };
}
const rowsOf = ({ requestId }: Made) =>
  t.rows("SELECT action, actor_id, actor_name, host(ip::inet) AS ip FROM activity_logs WHERE request_id = $1", [
    requestId,
  ]);

test("every change that an operator can make has a case here", () => {
  expect(changes.map(({ path }) => path).sort()).toEqual(Object.keys(CASES).sort());
});

describe("each change leaves one row, with its action, who, where from and under which request", () => {
  test.each(named(changes))("%s", async (path, { action }) => {
    const made = await ready(path);
    const answer = await made.send();
    expect(answer.status, answer.text).toBe(200);
    const { id } = made.me;
    expect(await rowsOf(made)).toEqual([{ action, actor_id: id, actor_name: expect.any(String), ip: "127.0.0.1" }]);
  });

  test("mutation: a recorder that does nothing leaves none, which the test above would see", async () => {
    await t.rows(`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`);
    await t.rows("CREATE TRIGGER lost BEFORE INSERT ON activity_logs FOR EACH ROW EXECUTE FUNCTION lose()");
    try {
      for (const { path } of changes) {
        const made = await ready(path);
        expect((await made.send()).status, path).toBe(200);
        expect(await rowsOf(made), path).toEqual([]);
      }
    } finally {
      await t.rows("DROP TRIGGER lost ON activity_logs");
    }
  });
});

/** What each table holds, by its rows' last change. */
async function everything(): Promise<Record<string, string>> {
  const tables = await t.rows<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'
     AND tablename NOT IN ('_prisma_migrations', 'trip_events', 'idempotency_keys', 'limit_violations')`,
  );
  const state: Record<string, string> = {};
  for (const { name } of tables)
    state[name] = await t.value(`SELECT md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM "${name}" x`);
  return state;
}

describe("no row, no change", () => {
  test.each(named(inTheDatabase))("%s", async (path) => {
    const made = await ready(path);
    const before = await everything();
    await t.rows("ALTER TABLE activity_logs ADD CONSTRAINT none CHECK (false) NOT VALID");
    try {
      expect((await made.send()).status).toBe(500);
    } finally {
      await t.rows("ALTER TABLE activity_logs DROP CONSTRAINT none");
    }
    expect(await everything()).toEqual(before);
    // It was that alone.
    expect((await made.send()).status).toBe(200);
    expect(await everything()).not.toEqual(before);
  });
});

describe("the answer to a key", () => {
  /** Whether the row of the key was last written by the transaction that made the change. */
  const storedWithIt = ({ key, requestId }: Made) =>
    t.value<boolean>(
      `SELECT k.status = 'finished' AND k.xmin::text = l.xmin::text FROM idempotency_keys k, activity_logs l
       WHERE k.idempotency_key = $1 AND l.request_id = $2`,
      [key, requestId],
    );
  const together = inTheDatabase.filter(({ path, keyed }) => keyed && !MANY_TRANSACTIONS.includes(path));

  test.each(named(together))(
    "%s stores it in the transaction of the change; a retry is told the same",
    async (path) => {
      const made = await ready(path);
      const first = await made.send();
      expect(await storedWithIt(made)).toBe(true);
      const again = await made.send();
      expect([again.status, again.text, again.headers.get("x-idempotent-replay")]).toEqual([200, first.text, "true"]);
      expect(await rowsOf(made)).toHaveLength(1);
    },
  );

  test("mutation: one that is stored after the work is seen to be", async () => {
    const made = await ready("jobs.pause");
    expect((await made.send()).status).toBe(200);
    expect(await storedWithIt(made)).toBe(false);
  });
});
