import type { DomainError, ErrorCode } from "#server/contracts/errors.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import type { LineLogger } from "#server/platform/logger.ts";

interface Refused {
  readonly ip: string | null;
  readonly logger: LineLogger;
  readonly authenticate: () => Promise<Actor>;
}

/** Refusals that somebody who looks into an incident wants to find, and how loud each is. */
const REFUSALS: Readonly<Partial<Record<ErrorCode, "warn" | "info">>> = {
  FORBIDDEN: "warn",
  INVALID_SIGNATURE: "warn",
  SIGNATURE_REPLAYED: "warn",
  SIGNATURE_EXPIRED: "info",
  UNAUTHENTICATED: "info",
  VALIDATION_FAILED: "info",
  IDEMPOTENCY_KEY_REUSED: "info",
};

/** One line with who, from where and what; of a refused input the fields' paths, never what was in them. */
export async function logRefusal(ctx: Refused, procedure: string, error: DomainError): Promise<void> {
  const level = REFUSALS[error.code];
  if (level === undefined) return;
  const actor = error.code === "UNAUTHENTICATED" ? null : await ctx.authenticate().catch(() => null);
  const fields = error.fields?.map((field) => field.path.slice(0, 100));
  ctx.logger[level](
    { security: error.code, procedure, actorId: actor?.id ?? null, actorType: actor?.type ?? null, ip: ctx.ip, fields },
    "refused",
  );
}
