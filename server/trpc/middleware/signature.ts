import { DomainError } from "#server/contracts/errors.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import type { RequestContext } from "#server/trpc/init.ts";

/** A signature that is sent must be right; SIGNATURE_REQUIRED where a setting asks for one and none is sent. */
export async function assertSignature(ctx: RequestContext, path: string, actor: Actor | null): Promise<void> {
  const { request } = ctx.signature;
  if (request !== null) return ctx.app.signing.verify(actor?.id ?? null, request);
  if (ctx.app.config.signedOperations.has(path))
    throw new DomainError("SIGNATURE_REQUIRED", "Sign this call with a key of this device: see /api/docs.");
}
