import { getTRPCErrorFromUnknown, TRPCError } from "@trpc/server";
import type { z } from "zod";
import type { ProcedureMeta, RequestContext } from "#server/trpc/init.ts";

type Result =
  | { readonly ok: true; readonly data: unknown; readonly marker: unknown }
  | { readonly ok: false; readonly error: TRPCError; readonly marker: unknown };

/** What each middleware of a chain is given, the resolver being the last of them. */
interface Step {
  readonly ctx: RequestContext;
  readonly input: unknown;
  readonly getRawInput: () => Promise<unknown>;
}
interface Next extends Partial<Step> {
  readonly ctx?: RequestContext;
}
interface Call extends Step {
  readonly path: string;
  readonly type: string;
  readonly meta: ProcedureMeta | undefined;
  readonly signal: undefined;
  readonly batchIndex: 0;
  readonly next: (next?: Next) => Promise<Result>;
}
type Middleware = ((call: Call) => Promise<Result>) & { readonly _type?: string };

/** A procedure, as tRPC's builder leaves it. */
export interface BuiltProcedure {
  readonly _def: {
    readonly type: string;
    readonly meta?: ProcedureMeta;
    readonly inputs: readonly z.ZodType[];
    readonly output?: z.ZodType;
    readonly middlewares: readonly Middleware[];
  };
}

/** tRPC asks zod for a promise, and zod then walks its schemas; asked for the value, it runs what it compiled of them. */
function parsing({ _def }: BuiltProcedure): readonly Middleware[] {
  const { inputs, output, middlewares } = _def;
  const [input] = inputs;
  return middlewares.map((middleware): Middleware => {
    if (middleware._type === "input" && input !== undefined && inputs.length === 1)
      return async ({ getRawInput, next }) => {
        const parsed = input.safeParse(await getRawInput());
        if (!parsed.success) throw new TRPCError({ code: "BAD_REQUEST", cause: parsed.error });
        return next({ input: parsed.data });
      };
    if (middleware._type === "output" && output !== undefined)
      return async ({ next }) => {
        const result = await next();
        if (!result.ok) return result;
        const parsed = output.safeParse(result.data);
        // Our fault, not the caller's: no ZodError, which would be told as theirs.
        if (!parsed.success) throw new Error(`the answer is not as declared: ${parsed.error.message}`);
        return { ...result, data: parsed.data };
      };
    return middleware;
  });
}

/**
 * Calls a procedure as tRPC's own caller does, middleware by middleware. That caller copies the call's options twice for
 * each of them, property by property (its build is for old engines): a tenth of what an accept costs (decision 0021).
 * Throws the TRPCError that the chain ended with.
 */
export function callerOf(
  path: string,
  procedure: BuiltProcedure,
): (ctx: RequestContext, input: unknown) => Promise<unknown> {
  const { type, meta } = procedure._def;
  const middlewares = parsing(procedure);
  const run = async (index: number, step: Step): Promise<Result> => {
    const middleware = middlewares[index] as Middleware;
    const next = (changed?: Next) =>
      run(index + 1, {
        ctx: changed?.ctx === undefined ? step.ctx : { ...step.ctx, ...changed.ctx },
        input: changed !== undefined && "input" in changed ? changed.input : step.input,
        getRawInput: changed?.getRawInput ?? step.getRawInput,
      });
    const { ctx, input, getRawInput } = step;
    try {
      return await middleware({ ctx, input, getRawInput, path, type, meta, signal: undefined, batchIndex: 0, next });
    } catch (cause) {
      return { ok: false, error: getTRPCErrorFromUnknown(cause), marker: "middlewareMarker" };
    }
  };
  return async (ctx, input) => {
    const result = await run(0, { ctx, input: undefined, getRawInput: async () => input });
    if (!result.ok) throw result.error;
    return result.data;
  };
}
