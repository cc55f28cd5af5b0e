import { z } from "zod";
import { idSchema } from "#server/contracts/ids.ts";
import { PERMISSIONS } from "#server/contracts/permissions.ts";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { reasonSchema } from "#server/trpc/routers/trips.ts";

const roleName = z.string().regex(/^[a-z][a-z0-9_]{1,39}$/, "2 to 40 small letters, digits and _, a letter first");
const version = z.int().min(1).max(2_147_483_647);
const name = z.string().trim().min(1).max(60);
const roleFields = {
  name: roleName,
  title: z.string().trim().min(2).max(60),
  permissions: z.array(z.enum(PERMISSIONS)).max(PERMISSIONS.length),
  reason: reasonSchema,
};

export const rolesRouter = router({
  list: operatorQuery("users.view").query(({ ctx }) => ctx.app.roles.list()),

  create: operatorProcedure({ permission: "settings.manage", audit: "role.create" })
    .input(z.strictObject(roleFields))
    .mutation(({ ctx, input: { reason, ...role } }) =>
      ctx.app.roles.create(ctx.actor.id, role, recorder(ctx, reason), ctx.claim),
    ),

  update: operatorProcedure({ permission: "settings.manage", audit: "role.update" })
    .input(z.strictObject({ ...roleFields, expectedVersion: version }))
    .mutation(({ ctx, input: { reason, ...role } }) =>
      ctx.app.roles.update(ctx.actor.id, role, recorder(ctx, reason), ctx.claim),
    ),

  remove: operatorProcedure({ permission: "settings.manage", audit: "role.delete" })
    .input(z.strictObject({ name: roleName, expectedVersion: version, reason: reasonSchema }))
    .mutation(({ ctx, input: { reason, ...role } }) =>
      ctx.app.roles.remove(ctx.actor.id, role, recorder(ctx, reason), ctx.claim),
    ),
});

export const peopleRouter = router({
  list: operatorQuery("users.view").query(({ ctx }) => ctx.app.people.list()),

  /** No key is heeded: the answer holds a password, which must not be kept. A second call finds the address taken. */
  invite: operatorProcedure({ permission: "users.manage", audit: "operator.invite", idempotency: "none" })
    .input(
      z.strictObject({
        firstName: name,
        lastName: name,
        email: z.email().max(120),
        role: roleName,
        reason: reasonSchema,
      }),
    )
    .mutation(({ ctx, input: { reason, ...person } }) =>
      ctx.app.people.invite(ctx.actor.id, person, recorder(ctx, reason)),
    ),

  setRole: operatorProcedure({ permission: "users.manage", audit: "operator.role" })
    .input(z.strictObject({ id: idSchema, role: roleName, expectedRole: roleName, reason: reasonSchema }))
    .mutation(({ ctx, input: { reason, ...change } }) =>
      ctx.app.people.setRole(ctx.actor.id, change, recorder(ctx, reason), ctx.claim),
    ),

  unlock: operatorProcedure({ permission: "users.manage", audit: "operator.unlock" })
    .input(z.strictObject({ id: idSchema, reason: reasonSchema }))
    .mutation(({ ctx, input }) =>
      ctx.app.people.unlock(ctx.actor.id, input.id, recorder(ctx, input.reason), ctx.claim),
    ),

  setActive: operatorProcedure({ permission: "users.manage", audit: "operator.active" })
    .input(z.strictObject({ id: idSchema, active: z.boolean(), reason: reasonSchema }))
    .mutation(({ ctx, input: { reason, ...change } }) =>
      ctx.app.people.setActive(ctx.actor.id, change, recorder(ctx, reason), ctx.claim),
    ),
});
