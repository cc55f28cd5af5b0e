import { describe, expect, test } from "vitest";
import { LIMITS } from "#server/contracts/limits.ts";
import { PERMISSIONS } from "#server/contracts/permissions.ts";
import type { ProcedureMeta } from "#server/trpc/init.ts";
import { procedure, router } from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";

interface Walked {
  readonly path: string;
  readonly type: "query" | "mutation" | "subscription";
  readonly meta: ProcedureMeta;
  readonly inputs: number;
}

function walk(root: { readonly _def: { readonly procedures: unknown } }): Walked[] {
  const procedures = root._def.procedures as Record<
    string,
    { _def: { type: Walked["type"]; meta?: ProcedureMeta; inputs: unknown[] } }
  >;
  return Object.entries(procedures).map(([path, { _def }]) => ({
    path,
    type: _def.type,
    meta: _def.meta ?? {},
    inputs: _def.inputs.length,
  }));
}

/** What is wrong with how a procedure declares itself; empty when nothing is. */
function faultsOf({ path, type, meta, inputs }: Walked): string[] {
  const faults: string[] = [];
  const { auth, permission, limit, idempotency, audit, openapi } = meta;
  if (auth === undefined) return [`${path}: declares nothing`];
  if (limit === undefined || (limit !== "general" && !(limit in LIMITS))) faults.push(`${path}: no limit`);
  if (idempotency === undefined) faults.push(`${path}: no word on idempotency`);
  if (permission === undefined || audit === undefined) faults.push(`${path}: no word on permission or audit`);
  if (permission != null && !PERMISSIONS.includes(permission)) faults.push(`${path}: unknown permission ${permission}`);
  if (auth === "public" && limit === "general") faults.push(`${path}: public, and only limited as a person`);
  if (auth === "operator" && type === "mutation" && (permission == null || audit == null) && !OWN.has(path))
    faults.push(`${path}: an operator changes something without permission or audit`);
  if (type !== "mutation" && audit != null) faults.push(`${path}: audited, and changes nothing`);
  if (type === "mutation" && auth !== "public" && idempotency === "none" && !REPEATABLE.has(path))
    faults.push(`${path}: a change that takes no Idempotency-Key`);
  if (openapi !== undefined && inputs === 0) faults.push(`${path}: has a REST door and checks no input`);
  return faults;
}

/** An operator's own account: no permission is needed to change it. */
const OWN = new Set<string>([
  "account.beginSecondFactor",
  "account.confirmSecondFactor",
  "account.switchOffSecondFactor",
]);
/** Done again, they do the same, or are refused. */
const REPEATABLE = new Set([
  "driving.location",
  // Each download is one of its own.
  "audit.export",
  // Its answer holds a secret, which is kept nowhere in the clear.
  "signing.issue",
  "people.invite",
  "auth.logout",
  "auth.revokeSession",
  // Its answer holds a token, and a second time the old password is none.
  "auth.changePassword",
  "account.beginSecondFactor",
  "account.confirmSecondFactor",
  "account.switchOffSecondFactor",
]);

test("every procedure declares who may call it, what they must hold, how often, retries and audit", () => {
  const walked = walk(appRouter);
  expect(walked.length).toBeGreaterThan(30);
  expect(walked.flatMap(faultsOf)).toEqual([]);
});

test("exceptions are of procedures that exist", () => {
  const paths = new Set(walk(appRouter).map(({ path }) => path));
  expect([...OWN, ...REPEATABLE].filter((path) => !paths.has(path))).toEqual([]);
});

describe("mutation: a procedure that says too little", () => {
  test("nothing at all is found", () => {
    const bare = router({ leak: procedure.query(() => "everything") });
    expect(walk(bare as never).flatMap(faultsOf)).toEqual(["leak: declares nothing"]);
  });

  test("an operator's change without permission is found", () => {
    const meta: ProcedureMeta = {
      auth: "operator",
      permission: null,
      audit: null,
      limit: "general",
      idempotency: "optional",
    };
    expect(faultsOf({ path: "x.change", type: "mutation", meta, inputs: 1 })).toEqual([
      "x.change: an operator changes something without permission or audit",
    ]);
  });
});
