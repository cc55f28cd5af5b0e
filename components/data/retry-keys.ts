import type { Operation, TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { AppRouter } from "#server/trpc/root.ts";
import { answeredStatus } from "../ui/error-words.ts";

/** Of changes whose answer has not come: what was asked, with the key it was asked under. */
const unanswered = new Map<string, string>();

const nameOf = ({ path, input }: Pick<Operation, "path" | "input">) => `${path} ${JSON.stringify(input)}`;

/** A dialog was opened: what is asked from now on is meant anew, also when it is the same. */
export function forgetUnanswered(): void {
  unanswered.clear();
}

/** True when nobody knows what became of it: no answer, a fault of the server, or the first try is still at work. */
function isOpen(error: unknown): boolean {
  const status = answeredStatus(error);
  const { data } = error as { data?: { domainCode?: string } };
  return status === null || status >= 500 || data?.domainCode === "IDEMPOTENCY_IN_PROGRESS";
}

/**
 * Gives every change an Idempotency-Key. A submission that is repeated because its answer was lost goes under the same
 * key, so that the server tells what became of the first instead of doing it again; one that was answered is done with.
 */
export const retryKeys: TRPCLink<AppRouter> =
  () =>
  ({ op, next }) => {
    if (op.type !== "mutation") return next(op);
    const name = nameOf(op);
    const key = unanswered.get(name) ?? crypto.randomUUID();
    unanswered.set(name, key);
    return observable((observer) =>
      next({ ...op, context: { ...op.context, idempotencyKey: key } }).subscribe({
        next(value) {
          unanswered.delete(name);
          observer.next(value);
        },
        error(error) {
          if (!isOpen(error)) unanswered.delete(name);
          observer.error(error);
        },
        complete: () => observer.complete(),
      }),
    );
  };

/** The header of a change that went through `retryKeys`. */
export const keyHeaders = ({ context }: Pick<Operation, "context">): Record<string, string> =>
  typeof context.idempotencyKey === "string" ? { "Idempotency-Key": context.idempotencyKey } : {};
