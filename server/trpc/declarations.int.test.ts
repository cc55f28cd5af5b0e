import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LIMITS, type LimitScope } from "#server/contracts/limits.ts";
import { PERMISSIONS, type Permission } from "#server/contracts/permissions.ts";
import { addressSubject, personSubject } from "#server/domain/limits/limit-subject.ts";
import { requestContexts } from "#server/http/request.ts";
import { restProcedures } from "#server/http/rest.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import {
  type Audience,
  createCallerFactory,
  domainErrorOf,
  type ProcedureMeta,
  procedure,
  router,
} from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";

/** Each procedure is called by those it must refuse, in each way it says it refuses: a declaration that nothing enforces fails. */
interface Walked {
  readonly path: string;
  readonly meta: ProcedureMeta;
  readonly call: (ctx: ReturnType<ReturnType<typeof requestContexts>>) => Promise<unknown>;
}

function walk(root: Parameters<ReturnType<typeof createCallerFactory>>[0] | unknown): Walked[] {
  const tree = root as typeof appRouter;
  const procedures = tree._def.procedures as unknown as Record<string, { _def: { meta?: ProcedureMeta } }>;
  return Object.entries(procedures).map(([path, { _def }]) => ({
    path,
    meta: _def.meta ?? {},
    call: (ctx) => {
      let at: unknown = createCallerFactory(tree)(ctx);
      for (const part of path.split(".")) at = (at as Record<string, unknown>)[part];
      return (at as (input: unknown) => Promise<unknown>)({});
    },
  }));
}

let t: TestApp;
/** Where every call that has a REST door must be signed. */
let strict: TestApp;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone", limits: "on" });
  const SIGNED_OPERATIONS = restProcedures()
    .map(({ path }) => path)
    .join(",");
  strict = await createTestApp({ peerOf: t, env: { SIGNED_OPERATIONS } });
  for (const permission of PERMISSIONS)
    await t.rows("INSERT INTO roles (name, title, permissions) VALUES ($1, $2, $3)", [
      lacking(permission),
      `All but ${permission}`,
      PERMISSIONS.filter((name) => name !== permission),
    ]);
});
afterAll(async () => {
  await strict.dispose();
  await t.dispose();
});
const lacking = (permission: Permission) => `no_${permission.replaceAll(".", "_")}`;

interface Person {
  readonly type: "customer" | "driver" | "operator";
  readonly id: string;
  readonly token: string;
}
async function person(type: Person["type"], role?: string): Promise<Person> {
  if (type === "operator") {
    const id = await t.make.operator(role);
    return { type, id, token: await t.operatorToken(id) };
  }
  const id = type === "driver" ? await t.make.driver() : await t.make.customer();
  return { type, id, token: await t.token(type, id) };
}
const MAY: Readonly<Record<Exclude<Audience, "public">, readonly Person["type"][]>> = {
  anyone: ["customer", "driver", "operator"],
  app: ["customer", "driver"],
  customer: ["customer"],
  driver: ["driver"],
  operator: ["operator"],
};
const GENERAL = { customer: "user", driver: "driver", operator: "admin" } as const;

let addresses = 0;
/** Addresses of their own, so that no call is in the way of the next. */
const anAddress = () => `10.1.${Math.floor(addresses / 250)}.${(addresses++ % 250) + 1}`;

interface Said {
  readonly code: string;
  readonly policy: string;
  readonly fields: string;
}
async function ask(
  { call }: Walked,
  { who = null, at = t, ip = anAddress(), key = "" }: { who?: Person | null; at?: TestApp; ip?: string; key?: string },
): Promise<Said> {
  const headers = new Headers({
    ...(who === null ? {} : { authorization: `Bearer ${who.token}` }),
    ...(key === "" ? {} : { "idempotency-key": key }),
  });
  const ctx = requestContexts(at.app)({ headers, requestId: "walk", ip });
  let code = "answered";
  let fields = "";
  try {
    await call(ctx);
  } catch (thrown) {
    const error = domainErrorOf(thrown);
    code = error.code;
    fields = (error.fields ?? []).map(({ path }) => path).join();
  }
  return { code, fields, policy: ctx.reply.headers["RateLimit-Policy"] ?? "" };
}

async function fill(scope: LimitScope, subject: ReturnType<typeof addressSubject>): Promise<void> {
  while ((await t.app.limits.take(scope, subject))?.verdict === "counted");
}

async function faultsOf(walked: Walked): Promise<string[]> {
  const { path, meta } = walked;
  const { auth = "public", permission = null, limit = "general", idempotency, openapi } = meta;
  const faults: string[] = [];
  const expectCode = (what: string, wanted: string, { code }: Said) => {
    if (code !== wanted) faults.push(`${path}: ${what} is told ${code}, not ${wanted}`);
  };
  const expectFull = (what: string, scope: LimitScope, said: Said) => {
    expectCode(what, "RATE_LIMIT_EXCEEDED", said);
    if (!said.policy.startsWith(`"${scope}`)) faults.push(`${path}: ${what} is held to ${said.policy}, not ${scope}`);
  };
  if (auth === "public") {
    const ip = anAddress();
    const scope = limit !== "general" && LIMITS[limit].by === "named" ? "auth.address" : limit;
    if (scope === "general") return [`${path}: public, and only limited as a person`];
    await fill(scope, addressSubject(ip));
    expectFull("a full address", scope, await ask(walked, { ip }));
    if (openapi !== undefined) expectCode("who does not sign", "SIGNATURE_REQUIRED", await ask(walked, { at: strict }));
    return faults;
  }
  expectCode("nobody", "UNAUTHENTICATED", await ask(walked, {}));
  for (const type of ["customer", "driver", "operator"] as const) {
    if (!MAY[auth].includes(type)) {
      expectCode(`a ${type}`, "FORBIDDEN", await ask(walked, { who: await person(type) }));
      continue;
    }
    const full = await person(type);
    const scope = limit === "general" ? GENERAL[type] : limit;
    await fill(scope, personSubject(full));
    expectFull(`a ${type} beyond the limit`, scope, await ask(walked, { who: full }));
    const who = await person(type);
    if (openapi !== undefined)
      expectCode(`a ${type} who does not sign`, "SIGNATURE_REQUIRED", await ask(walked, { who, at: strict }));
    if (idempotency === "required")
      expectCode(`a ${type} without a key`, "IDEMPOTENCY_KEY_REQUIRED", await ask(walked, { who }));
    const heeded = (await ask(walked, { who: await person(type), key: "no key" })).fields === "Idempotency-Key";
    if (heeded !== (idempotency !== "none")) faults.push(`${path}: its keys are ${heeded ? "" : "not "}heeded`);
  }
  if (permission !== null)
    expectCode(
      `who lacks ${permission}`,
      "FORBIDDEN",
      await ask(walked, { who: await person("operator", lacking(permission)) }),
    );
  return faults;
}

const procedures = walk(appRouter);
test("there is something to walk", () => {
  expect(procedures.length).toBeGreaterThan(50);
  expect(procedures.filter(({ meta }) => meta.openapi !== undefined).length).toBeGreaterThan(20);
});

test.each(procedures.map((walked) => [walked.path, walked] as const))(
  "%s refuses what it says it refuses: audience, permission, limit, key, signature",
  async (_, walked) => {
    expect(await faultsOf(walked)).toEqual([]);
  },
);

describe("mutation: a procedure that declares everything", () => {
  const everything: ProcedureMeta = {
    auth: "operator",
    permission: "trips.view",
    audit: null,
    limit: "trip.cancel",
    idempotency: "required",
    openapi: { method: "POST", path: "/api/v1/leak", summary: "A leak" },
  };

  test("and has no guard is found, in each respect", async () => {
    const [leak] = walk(router({ leak: procedure.meta(everything).mutation(() => "everything") }));
    expect(await faultsOf(leak as Walked)).toEqual([
      "leak: nobody is told answered, not UNAUTHENTICATED",
      "leak: a customer is told answered, not FORBIDDEN",
      "leak: a driver is told answered, not FORBIDDEN",
      "leak: a operator beyond the limit is told answered, not RATE_LIMIT_EXCEEDED",
      "leak: a operator beyond the limit is held to , not trip.cancel",
      "leak: a operator who does not sign is told answered, not SIGNATURE_REQUIRED",
      "leak: a operator without a key is told answered, not IDEMPOTENCY_KEY_REQUIRED",
      "leak: its keys are not heeded",
      "leak: who lacks trips.view is told answered, not FORBIDDEN",
    ]);
  });

  test("and is for whoever is signed in, but asks for no signature, is found", async () => {
    const unsigned = procedure
      .meta({ ...everything, auth: "anyone", permission: null, limit: "general", idempotency: "none" })
      .use(async ({ ctx, next }) => {
        await ctx.authenticate();
        return next();
      })
      .mutation(() => "done");
    const faults = await faultsOf(walk(router({ unsigned }))[0] as Walked);
    expect(faults).toContain("unsigned: a customer who does not sign is told answered, not SIGNATURE_REQUIRED");
  });
});
