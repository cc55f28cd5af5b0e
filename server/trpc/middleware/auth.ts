import { DomainError } from "#server/contracts/errors.ts";
import { type Permission, permissionsOf } from "#server/contracts/permissions.ts";
import { procedure } from "#server/trpc/init.ts";

const forbidden = (detail: string) => new DomainError("FORBIDDEN", detail);

/** Anyone, signed in or not. */
export const publicProcedure = procedure.meta({ auth: "public" });

/** A customer or a driver. */
export const appProcedure = procedure.meta({ auth: "app" }).use(async ({ ctx, next }) => {
  const actor = await ctx.authenticate();
  if (actor.type === "operator") throw forbidden("This is for the apps; operators use the console.");
  return next({ ctx: { actor } });
});

export const customerProcedure = procedure.meta({ auth: "customer" }).use(async ({ ctx, next }) => {
  const actor = await ctx.authenticate();
  if (actor.type !== "customer") throw forbidden("Only customers may do this.");
  return next({ ctx: { actor } });
});

export const driverProcedure = procedure.meta({ auth: "driver" }).use(async ({ ctx, next }) => {
  const actor = await ctx.authenticate();
  if (actor.type !== "driver") throw forbidden("Only drivers may do this.");
  return next({ ctx: { actor } });
});

/** An operator who holds `permission`; null: any operator. */
export const operatorProcedure = (permission: Permission | null) =>
  procedure
    .meta(permission === null ? { auth: "operator" } : { auth: "operator", permission })
    .use(async ({ ctx, next }) => {
      const actor = await ctx.authenticate();
      if (actor.type !== "operator") throw forbidden("Only operators may do this.");
      if (permission !== null && !permissionsOf(actor.role).includes(permission))
        throw forbidden(`Your role (${actor.role}) may not do this: it needs ${permission}.`);
      return next({ ctx: { actor } });
    });
