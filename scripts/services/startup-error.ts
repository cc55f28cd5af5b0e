/**
 * A failure that the person at the terminal can act on. Its message is one line and complete: commands print it without
 * a stack and exit 1. Anything else that is thrown is a fault of ours and keeps its stack.
 */
export class StartupError extends Error {
  override readonly name = "StartupError";
}

/** What to print for a failure: the one line of a {@link StartupError}, or the stack of a fault. */
export function describeFailure(error: unknown): string {
  if (error instanceof StartupError) return error.message;
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}
