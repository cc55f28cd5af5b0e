import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { newId } from "#server/contracts/ids.ts";
import { PERMISSIONS } from "#server/contracts/permissions.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type Answer, call } from "#server/testing/http-calls.ts";
import type { ProcedureMeta } from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";

/**
 * User B and every object of user A: each procedure that takes an id, by tRPC and by REST, called by each kind of person
 * whose it is not. Made from the router: a new procedure without a case here fails.
 */
interface Procedure {
  readonly path: string;
  readonly type: "query" | "mutation" | "subscription";
  readonly meta: ProcedureMeta;
  /** As JSON schema. */
  readonly input: unknown;
}

const procedures: Procedure[] = Object.entries(
  appRouter._def.procedures as unknown as Record<
    string,
    { _def: { type: Procedure["type"]; meta: ProcedureMeta; inputs: z.ZodType[] } }
  >,
).map(([path, { _def }]) => ({
  path,
  type: _def.type,
  meta: _def.meta,
  input: _def.inputs[0] === undefined ? null : z.toJSONSchema(_def.inputs[0], { io: "input", unrepresentable: "any" }),
}));

/** Names that stand for something that is somebody's: ids, and the keys of what operators change. */
const NAMES_AN_OBJECT = /^(id|ids|key|queue)$|Ids?$/;
function namesIn(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = "properties" in schema ? Object.keys(schema.properties as object) : [];
  return [...own, ...Object.values(schema).flatMap(namesIn)];
}
const takesAnId = ({ input }: Procedure) => namesIn(input).some((name) => NAMES_AN_OBJECT.test(name));

const REASON = "a test of whose it is";
interface World {
  readonly trip: string;
  readonly waitingTrip: string;
  /** Completed. */
  readonly ridden: string;
  readonly driver: string;
  readonly operator: string;
  readonly lock: string;
  readonly alert: string;
  readonly session: string;
  readonly signingKey: string;
  readonly row: string;
}
/** A valid call about an object of user A. */
const CASES: Readonly<Record<string, (a: World) => object>> = {
  "auth.revokeSession": (a) => ({ id: a.session }),
  "signing.revoke": (a) => ({ id: a.signingKey }),
  "rides.review": (a) => ({ id: a.ridden, rating: 1 }),
  "rides.get": (a) => ({ id: a.trip }),
  "rides.cancel": (a) => ({ id: a.trip, reason: REASON }),
  "rides.accept": (a) => ({ id: a.trip }),
  "rides.reject": (a) => ({ id: a.waitingTrip }),
  "rides.arrive": (a) => ({ id: a.trip }),
  "rides.start": (a) => ({ id: a.trip, otp: "1234" }),
  "rides.complete": (a) => ({ id: a.trip }),
  "bids.place": (a) => ({ id: a.waitingTrip, amount: 4000 }),
  "bids.list": (a) => ({ id: a.waitingTrip }),
  "bids.accept": (a) => ({ id: a.waitingTrip, bidId: a.row }),
  "trips.assign": (a) => ({ tripId: a.waitingTrip, driverId: a.driver, reason: REASON, expectedVersion: 0 }),
  "trips.candidates": (a) => ({ tripId: a.waitingTrip }),
  "trips.whyNot": (a) => ({ tripId: a.waitingTrip, driverId: a.driver }),
  "matching.setZone": () => ({
    zoneId: "0199aaaa-0000-7000-8000-000000000001",
    settings: { driversPerBatch: 3 },
    expectedVersion: 0,
    reason: REASON,
  }),
  "pricing.setFare": (a) => ({
    ...{ zoneId: "0199aaaa-0000-7000-8000-000000000001", categoryId: a.row, expectedVersion: 0, reason: REASON },
    tariff: { baseFare: 1, farePerKm: 1, farePerMin: 1, minimumFare: 1 },
  }),
  "zones.get": () => ({ id: "0199aaaa-0000-7000-8000-000000000001" }),
  "zones.save": () => ({
    ...{
      id: "0199aaaa-0000-7000-8000-000000000001",
      name: "Taken",
      priority: 1,
      currency: "USD",
      isActive: false,
      shape: null,
    },
    ...{ acknowledgeOverlap: false, expectedVersion: 1, reason: REASON },
  }),
  "zones.remove": () => ({ id: "0199aaaa-0000-7000-8000-000000000001", expectedVersion: 1, reason: REASON }),
  "zones.import": () => ({ features: [], basis: "0".repeat(64), acknowledgeOverlap: false, reason: REASON }),
  "zones.importPreview": () => ({ features: [] }),
  "pricing.surgeHistory": () => ({ zoneId: "0199aaaa-0000-7000-8000-000000000001" }),
  "pricing.setSurge": () => ({
    ...{ zoneId: "0199aaaa-0000-7000-8000-000000000001", enabled: true, cap: 2, steps: null, override: null },
    ...{ expectedVersion: 0, reason: REASON },
  }),
  "map.history": (a) => ({ tripId: a.trip }),
  "map.way": (a) => ({ tripId: a.trip }),
  "map.live": (a) => ({ zoom: 11, driverId: a.driver, tripId: a.trip }),
  "trips.list": () => ({ zoneId: "0199aaaa-0000-7000-8000-000000000001" }),
  "trips.detail": (a) => ({ id: a.trip }),
  "trips.live": (a) => ({ id: a.trip }),
  "trips.cancel": (a) => ({ id: a.trip, reason: REASON, expectedVersion: 1 }),
  "trips.release": (a) => ({ id: a.trip, reason: REASON, expectedVersion: 1 }),
  "drivers.endReview": (a) => ({ driverId: a.driver, reason: REASON }),
  "locks.release": (a) => ({ items: [{ tripId: a.trip, value: a.lock }], reason: REASON }),
  "locks.repairGhost": (a) => ({ driverId: a.driver, reason: REASON }),
  "jobs.failedGroups": () => ({ queue: "low" }),
  "jobs.detail": (a) => ({ queue: "low", id: a.row }),
  "jobs.retry": (a) => ({ queue: "low", ids: [a.row], reason: REASON }),
  "jobs.discard": (a) => ({ queue: "low", ids: [a.row], reason: REASON }),
  "jobs.pause": () => ({ queue: "low", reason: REASON }),
  "jobs.resume": () => ({ queue: "low", reason: REASON }),
  "messages.list": (a) => ({ tripId: a.trip }),
  "webhooks.detail": (a) => ({ id: a.row }),
  "webhooks.reprocess": (a) => ({ ids: [a.row], reason: REASON }),
  "idempotency.detail": (a) => ({ id: a.row }),
  "people.setRole": (a) => ({ id: a.operator, role: "admin", expectedRole: "viewer", reason: REASON }),
  "people.unlock": (a) => ({ id: a.operator, reason: REASON }),
  "people.setActive": (a) => ({ id: a.operator, active: false, reason: REASON }),
  "settings.set": () => ({ key: "abuse.jump_seconds", value: 5, expectedVersion: 0, reason: REASON }),
  "alerts.resolve": (a) => ({ id: a.alert, reason: REASON }),
  "audit.export": (a) => ({ format: "csv", actorId: a.operator }),
  "audit.list": (a) => ({ actorId: a.operator }),
};
/** The contract's own answer where it is neither 403 nor 404: a trip that another driver has is 409. */
const OTHER_ANSWERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "rides.accept": { "driver B": 409 },
};

let t: TestApp;
let url: string;
let a: World;

beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
  const [customer, driver, operator] = [
    await t.make.customer(),
    await t.make.driver(),
    await t.make.operator("viewer"),
  ];
  const [trip, waitingTrip] = [
    await t.make.trip({ customerId: customer }),
    await t.make.trip({ customerId: customer }),
  ];
  await t.accept(trip, driver);
  const lock = (await t.app.lock.get(trip))?.value ?? "";
  await t.app.alerts.raiseWith(t.app.db.pool, {
    kind: "driver.teleported",
    severity: "info",
    subject: { type: "driver", id: driver },
    summary: "Jumped.",
  });
  const alert = await t.value<string>("SELECT id FROM alerts");
  const ridden = await t.make.trip({ customerId: customer });
  await t.rows(
    `UPDATE trip_requests SET current_status = 'completed', trip_end_time = now(), driver_id = $2,
       vehicle_id = (SELECT id FROM vehicles WHERE driver_id = $2) WHERE id = $1`,
    [ridden, driver],
  );
  const signingKey = newId();
  await t.rows("INSERT INTO signing_keys (id, user_id, device, secret) VALUES ($1, $2, 'phone', 'x')", [
    signingKey,
    driver,
  ]);
  const session = newId();
  await t.rows(
    "INSERT INTO sessions (id, user_id, kind, expires_at) VALUES ($1, $2, 'app', now() + interval '1 day')",
    [session, driver],
  );
  a = { trip, waitingTrip, driver, operator, lock, alert, session, signingKey, ridden, row: newId() };
  for (const permission of PERMISSIONS)
    await t.rows("INSERT INTO roles (name, title, permissions) VALUES ($1, $2, $3)", [
      lacking(permission),
      `All but ${permission}`,
      PERMISSIONS.filter((name) => name !== permission),
    ]);
});
afterAll(() => t.dispose());

const lacking = (permission: string) => `no_${permission.replaceAll(".", "_")}`;

/** One hash a table. Left out: attempts at a trip, which are kept on purpose, and people who are made by this test. */
async function everything(): Promise<Record<string, string>> {
  await t.app.events.drain();
  const tables = await t.rows<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'
     AND tablename NOT IN ('_prisma_migrations', 'trip_events')`,
  );
  const hashes: Record<string, string> = {};
  for (const { name } of tables)
    hashes[name] = await t.value(`SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM ${name} r`);
  return hashes;
}

const keyFor = ({ meta }: Procedure): Record<string, string> =>
  meta.idempotency === "required" ? { "idempotency-key": newId() } : {};

async function viaTrpc(procedure: Procedure, token: string | null, input: object): Promise<Answer> {
  const { path, type } = procedure;
  const headers = token === null ? {} : { token };
  if (type === "mutation")
    return call(`${url}/api/trpc/${path}`, { ...headers, body: { json: input }, headers: keyFor(procedure) });
  const query = encodeURIComponent(JSON.stringify({ json: input }));
  const answer = await call(`${url}/api/trpc/${path}?input=${query}`, { ...headers, method: "GET" });
  if (type !== "subscription") return answer;
  // A stream says it in its first event, and ends.
  expect(answer.text).not.toContain("event: message");
  return { ...answer, status: Number(/"httpStatus":(\d+)/.exec(answer.text)?.[1]) };
}

function viaRest(procedure: Procedure, token: string | null, input: object): Promise<Answer> | null {
  const { meta } = procedure;
  if (meta.openapi === undefined) return null;
  const rest = { ...input } as Record<string, unknown>;
  const path = meta.openapi.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(rest[name]);
    delete rest[name];
    return value;
  });
  const headers = token === null ? {} : { token };
  if (meta.openapi.method === "GET")
    return call(`${url}${path}?${new URLSearchParams(rest as Record<string, string>)}`, { ...headers, method: "GET" });
  return call(`${url}${path}`, { ...headers, body: rest, headers: keyFor(procedure) });
}

/** Everyone whose it is not, new for each procedure so that no limit is in the way; null: nobody signed in. */
async function strangers({ meta }: Procedure): Promise<[who: string, token: string | null][]> {
  const operator = async (role: string) => t.operatorToken(await t.make.operator(role));
  return [
    ["nobody", null],
    ["customer B", await t.token("customer", await t.make.customer())],
    ["driver B", await t.token("driver", await t.make.driver())],
    ["an operator without it", await operator(meta.permission ? lacking(meta.permission) : "admin")],
  ];
}

describe("every procedure that takes an id", () => {
  test("has a case here", () => {
    const wanted = procedures.filter((procedure) => takesAnId(procedure) && procedure.meta.auth !== "public");
    expect(wanted.length).toBeGreaterThan(25);
    expect(wanted.map(({ path }) => path).filter((path) => !(path in CASES))).toEqual([]);
    const paths = new Set(procedures.map(({ path }) => path));
    expect(Object.keys(CASES).filter((path) => !paths.has(path))).toEqual([]);
  });

  test.each(procedures.filter(({ path }) => path in CASES).map((procedure) => [procedure.path, procedure] as const))(
    "%s is refused to whoever has nothing to do with it, and nothing is written",
    async (path, procedure) => {
      const people = await strangers(procedure);
      const input = CASES[path]?.(a) ?? {};
      const before = await everything();
      for (const [who, token] of people) {
        const answers = [await viaTrpc(procedure, token, input), await viaRest(procedure, token, input)];
        for (const answer of answers) {
          if (answer === null) continue;
          const special = OTHER_ANSWERS[path]?.[who];
          const expected = who === "nobody" ? [401] : special === undefined ? [403, 404] : [special];
          expect(expected, `${who}: ${answer.text}`).toContain(answer.status);
          expect(answer.text, who).not.toContain("stack");
          if (who === "an operator without it" && procedure.meta.permission)
            expect(answer.text).toContain(`needs ${procedure.meta.permission}`);
        }
      }
      const after = await everything();
      // Refusals and keys that came to nothing are counted on purpose.
      expect({ ...after, limit_violations: null }).toEqual({ ...before, limit_violations: null });
    },
  );

  test("mutation: the same calls by those whose it is do write", async () => {
    const before = await everything();
    const driver = await t.token("driver", a.driver);
    const arrive = procedures.find(({ path }) => path === "rides.arrive") as Procedure;
    expect((await viaTrpc(arrive, driver, { id: a.trip })).status).toBe(200);
    const resolve = procedures.find(({ path }) => path === "alerts.resolve") as Procedure;
    const admin = await t.operatorToken(await t.make.operator());
    expect((await viaTrpc(resolve, admin, { id: a.alert, reason: REASON })).status).toBe(200);
    const after = await everything();
    expect(Object.keys(after).filter((table) => after[table] !== before[table])).toEqual(
      expect.arrayContaining(["trip_requests", "alerts", "activity_logs", "outbox"]),
    );
  });
});

test("every operator's procedure, whatever it takes, is refused to a customer, a driver and to who lacks its permission", async () => {
  for (const procedure of procedures.filter(({ meta }) => meta.auth === "operator" && meta.permission)) {
    for (const [who, token] of await strangers(procedure)) {
      const { status, text } = await viaTrpc(procedure, token, CASES[procedure.path]?.(a) ?? {});
      expect(status, `${procedure.path}, ${who}: ${text}`).toBe(who === "nobody" ? 401 : 403);
    }
  }
});

describe("fields that are not the caller's to set", () => {
  const EXTRA = { role: "admin", fare: 1, status: "completed", userId: "x", driver_id: "x", isActive: true };
  const changes = procedures.filter(({ type, input }) => type === "mutation" && input !== null);
  test.each(changes.map((procedure) => [procedure.path, procedure] as const))("%s names them", async (_, procedure) => {
    const { meta } = procedure;
    const [customer, driver, operator] = [await t.make.customer(), await t.make.driver(), await t.make.operator()];
    const token =
      meta.auth === "operator"
        ? await t.operatorToken(operator)
        : await t.token(meta.auth === "driver" ? "driver" : "customer", meta.auth === "driver" ? driver : customer);
    const known = namesIn(procedure.input);
    const extra = Object.fromEntries(Object.entries(EXTRA).filter(([name]) => !known.includes(name)));
    const before = await everything();
    const input = { ...CASES[procedure.path]?.(a), ...extra };
    for (const answer of [await viaTrpc(procedure, token, input), await viaRest(procedure, token, input)]) {
      if (answer === null) continue;
      expect(answer.status, answer.text).toBe(400);
      for (const name of Object.keys(extra)) expect(answer.text, name).toContain(`"${name}"`);
    }
    expect({ ...(await everything()), limit_violations: null }).toEqual({ ...before, limit_violations: null });
  });
});
