import { z } from "zod";

/**
 * How many rows of a list: a number (tRPC), or its decimal digits (a query parameter). Not `z.coerce`, which makes 16 of
 * `0x10`, 100 of `1e2`, 5 of ` 5 ` and 0 of nothing at all.
 */
export function pageSizeSchema(options: { max: number; fallback: number }) {
  const { max, fallback } = options;
  const error = `a whole number from 1 to ${max}, in decimal digits`;
  const digits = z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number);
  return z
    .union([z.number(), digits], { error })
    .pipe(z.int({ error }).min(1, { error }).max(max, { error }))
    .default(fallback)
    .meta({ type: "integer", minimum: 1, maximum: max, description: "How many at most." });
}
