/** The public REST API as a phone sees it: every call ends in an answer, also when nobody answered. */

/** What came back. `status` 0: no answer (refused, cut off, or too late). */
export interface Answer {
  readonly status: number;
  /** 2xx. */
  readonly ok: boolean;
  readonly body: unknown;
  /** The problem's code, `NO_ANSWER` for status 0, null when all is well. */
  readonly code: string | null;
  /** Milliseconds to wait as the server asked by Retry-After; null when it did not. */
  readonly retryAfterMs: number | null;
  /** Milliseconds from sending to the end of the body. */
  readonly tookMs: number;
}

export interface Call {
  readonly method: "GET" | "POST";
  /** From the root: `/api/v1/…`. */
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly idempotencyKey?: string;
}

export type Send = (call: Call) => Promise<Answer>;

const TIMEOUT_MS = 10_000;

/** Whether the same call may succeed a little later. */
export const isPassing = (answer: Answer): boolean =>
  answer.status === 0 || answer.status >= 500 || answer.status === 429 || answer.code === "IDEMPOTENCY_IN_PROGRESS";

/** @param baseUrl like `http://localhost:3000` */
export function createSend(baseUrl: string, timeoutMs = TIMEOUT_MS): Send {
  const root = baseUrl.replace(/\/+$/, "");
  return async ({ method, path, body, token, idempotencyKey }) => {
    const started = performance.now();
    const tookMs = () => performance.now() - started;
    try {
      const response = await fetch(root + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      const parsed = parseJson(text);
      return {
        status: response.status,
        ok: response.ok,
        body: parsed,
        code: response.ok ? null : codeOf(parsed, response.status),
        retryAfterMs: retryAfterMs(response.headers.get("retry-after")),
        tookMs: tookMs(),
      };
    } catch {
      return { status: 0, ok: false, body: null, code: "NO_ANSWER", retryAfterMs: null, tookMs: tookMs() };
    }
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy's HTML page, or nothing
  }
}

function codeOf(body: unknown, status: number): string {
  if (typeof body === "object" && body !== null && "code" in body && typeof body.code === "string") return body.code;
  return `HTTP_${status}`;
}

function retryAfterMs(header: string | null): number | null {
  const seconds = Number(header);
  return header !== null && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}
