import { isTRPCClientError } from "@trpc/client";

/** HTTP status of the server's own answer; null when no answer of the server's came through. */
export function answeredStatus(error: unknown): number | null {
  if (!isTRPCClientError(error)) return null;
  return (error.data as { httpStatus?: number } | null | undefined)?.httpStatus ?? null;
}

/** The server's own words, or ours where all there is to read is a broken connection or a proxy's error page. */
export function errorWords(error: unknown): string {
  if (isTRPCClientError(error) && answeredStatus(error) === null) {
    return "The server could not be reached, or its answer broke off. Check the connection.";
  }
  return error instanceof Error ? error.message : "The server did not answer.";
}
