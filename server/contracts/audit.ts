import { z } from "zod";
import { idSchema } from "./ids.ts";

/** Which rows of the audit log. `from` and `to`: of the time a row was written, `to` not included. */
export const auditFilterSchema = z.strictObject({
  actorId: idSchema.optional(),
  action: z.string().min(1).max(80).optional(),
  subjectType: z.string().min(1).max(40).optional(),
  subjectId: z.string().min(1).max(100).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});
export type AuditFilter = z.infer<typeof auditFilterSchema>;

export const auditExportSchema = auditFilterSchema.extend({ format: z.enum(["csv", "jsonl"]) });
export type AuditExport = z.infer<typeof auditExportSchema>;

/** More rows than this are not exported at once: the filter is to be narrowed. */
export const MAX_EXPORTED_ROWS = 100_000;
