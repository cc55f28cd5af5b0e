import { TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DomainError } from "#server/contracts/errors.ts";
import { createCallerFactory, domainErrorOf, procedure, type RequestContext, router } from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";
import { type BuiltProcedure, callerOf } from "#server/trpc/run-procedure.ts";

const ctx = {
  requestId: "r",
  ip: null,
  logger: { info: () => undefined, error: () => undefined },
} as unknown as RequestContext;
const seen: unknown[] = [];
const routes = router({
  sum: procedure
    .use(({ next, path, type, getRawInput }) => {
      seen.push([path, type, getRawInput()]);
      return next({ ctx: { added: 1 } });
    })
    .input(z.strictObject({ a: z.int(), b: z.int().default(5) }))
    .output(z.object({ sum: z.int() }))
    .mutation(({ ctx: { added, requestId }, input }) => {
      if (input.a === 13) throw new DomainError("FORBIDDEN", "not thirteen");
      return { sum: input.a === 99 ? "many" : input.a + input.b + added, requestId } as unknown as { sum: number };
    }),
});
const ours = callerOf("sum", (routes._def.procedures as unknown as { sum: BuiltProcedure }).sum);
const theirs = createCallerFactory(routes)(ctx);

/** What comes of it: the answer, or the code that its caller is told. */
const outcome = (work: Promise<unknown>) =>
  work.then(
    (value) => value,
    (error: unknown) => {
      expect(error).toBeInstanceOf(TRPCError);
      return domainErrorOf(error).code;
    },
  );

describe("does what tRPC's caller does", () => {
  test.each([{ a: 1 }, { a: 1, b: 2 }, { a: "x" }, { a: 1, c: 3 }, { a: 13 }, null, { a: "\0" }])(
    "%j",
    async (input) => {
      seen.length = 0;
      const answers = [await outcome(ours(ctx, input)), await outcome(theirs.sum(input as never))];
      expect(answers[0]).toEqual(answers[1]);
      expect(seen[0]).toEqual(seen[1]);
    },
  );

  test("what the answer declares is all that leaves: other fields are cut, a wrong one is our fault", async () => {
    expect(await ours(ctx, { a: 1 })).toEqual({ sum: 7 });
    expect(await outcome(ours(ctx, { a: 99 }))).toBe("INTERNAL");
  });
});

test("mutation: without the parsing of input and output a wrong call gets through", async () => {
  const { _def } = (routes._def.procedures as unknown as { sum: BuiltProcedure }).sum;
  const bare = { _def: { ..._def, middlewares: _def.middlewares.filter(({ _type }) => _type === undefined) } };
  expect(await outcome(callerOf("sum", bare)(ctx, { a: "x" }))).toBe("INTERNAL");
  expect(_def.middlewares.length - bare._def.middlewares.length).toBe(2);
});

test("every procedure with a REST door has one input, which is parsed at once, and one output", () => {
  const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, BuiltProcedure>);
  const doors = procedures.filter(([, { _def }]) => _def.meta?.openapi !== undefined);
  expect(doors.length).toBeGreaterThan(15);
  for (const [path, { _def }] of doors) {
    expect([path, _def.inputs.length]).toEqual([path, 1]);
    expect(() => _def.inputs[0]?.safeParse({})).not.toThrow();
    const types = _def.middlewares.map(({ _type }) => _type).filter((type) => type !== undefined);
    expect([path, types]).toEqual([path, ["input", "output"]]);
  }
});
