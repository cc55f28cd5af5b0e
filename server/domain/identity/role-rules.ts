import { DomainError } from "#server/contracts/errors.ts";
import type { Permission } from "#server/contracts/permissions.ts";

/**
 * Nobody gives, or takes away, what they do not hold themselves: else whoever may edit roles could do anything.
 * FORBIDDEN naming what is missing.
 */
export function assertHoldsAll(
  held: ReadonlySet<Permission>,
  wanted: Iterable<Permission>,
  what: "give or take away" | "manage somebody who holds",
): void {
  const missing = [...wanted].filter((permission) => !held.has(permission));
  if (missing.length > 0)
    throw new DomainError(
      "FORBIDDEN",
      `You cannot ${what} what you do not hold yourself: ${missing.join(", ")}. Nothing was changed.`,
    );
}

/** What is in one of the two and not in the other. */
export function difference(before: readonly Permission[], after: readonly Permission[]): Permission[] {
  return [...before.filter((name) => !after.includes(name)), ...after.filter((name) => !before.includes(name))];
}
