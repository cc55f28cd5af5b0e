import { DomainError, type FieldError } from "#server/contracts/errors.ts";

/** Deeper than any input of ours; what recurses over an input must not run out of stack. */
const MAX_DEPTH = 32;

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value));

/**
 * What PostgreSQL cannot store (a NUL, half a surrogate pair), JSON does not have (tRPC's transformer makes dates, maps
 * and big integers) or nobody can mean (hundreds of levels); null when all is well.
 */
function problemIn(value: unknown, path: string, depth: number): FieldError | null {
  if (typeof value === "string")
    return value.includes("\0") || !value.isWellFormed()
      ? { path, message: "holds a character that cannot be stored" }
      : null;
  if (typeof value === "bigint" || typeof value === "symbol") return { path, message: "is no JSON value" };
  if (typeof value !== "object" || value === null) return null;
  if (!Array.isArray(value) && !isPlain(value)) return { path, message: "is no JSON value" };
  if (depth >= MAX_DEPTH) return { path, message: `nested deeper than ${MAX_DEPTH} levels` };
  for (const [name, inner] of Object.entries(value)) {
    const found = problemIn(name, path, depth) ?? problemIn(inner, path === "" ? name : `${path}.${name}`, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** Throws VALIDATION_FAILED naming the place. Every procedure's input passes here first, whichever door it came through. */
export function assertStorable(input: unknown): void {
  const problem = problemIn(input, "", 0);
  if (problem !== null)
    throw new DomainError("VALIDATION_FAILED", "The request is not valid; see errors.", { fields: [problem] });
}
