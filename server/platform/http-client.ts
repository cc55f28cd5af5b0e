import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IPolicy,
  isBrokenCircuitError,
  retry,
  TimeoutStrategy,
  timeout,
  wrap,
} from "cockatiel";
import type { Metrics } from "#server/platform/metrics.ts";
import { redacted } from "#server/platform/redact.ts";

/** A provider answered with an error, or not at all. `permanent`: the same request will not succeed later. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly status: number | null;
  readonly permanent: boolean;

  constructor(message: string, options: { status?: number; permanent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.status = options.status ?? null;
    this.permanent = options.permanent;
  }
}

export interface ProviderRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** `error`: the answer must come from this very address. */
  readonly redirect?: "error";
}

/** One outside provider: its time-out, its retries and its circuit breaker. */
export interface ProviderClient {
  /** Parsed JSON (null when the body is empty or no JSON). Throws `ProviderError`. */
  call(request: ProviderRequest): Promise<unknown>;
  /** `closed` is healthy. */
  readonly state: () => "closed" | "open" | "halfOpen";
}

/** Some providers answer with all they were sent: codes and phones must not come into logs and records that way. */
const told = (text: string) => redacted(text.slice(0, 200)).replaceAll(/\d{4,}/g, "#");

/** No provider has more to say; one that goes on and on would fill our memory. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

async function readText(response: Response, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new ProviderError(`${name} broke off`, { permanent: false, cause });
  }
  if (bytes > MAX_ANSWER_BYTES) throw new ProviderError(`${name} answered more than 4 MiB`, { permanent: false });
  return Buffer.concat(chunks).toString("utf8");
}

/** An open circuit is not asked again: that is what it is for. */
const isTransient = (error: Error): boolean =>
  !(error instanceof ProviderError && error.permanent) && !isBrokenCircuitError(error);
const RETRY_STATUSES = new Set([408, 425, 429]);

/**
 * `timeoutMs` each try; `retries` more tries with jittered exponential pauses; after 5 failures in a row the circuit
 * opens for 10 s and calls fail at once, so that a dead provider costs a job milliseconds, not time-outs.
 */
export function createProviderClient(options: {
  name: string;
  metrics: Metrics;
  timeoutMs?: number;
  retries?: number;
}): ProviderClient {
  const transient = handleWhen(isTransient);
  const breaker: CircuitBreakerPolicy = circuitBreaker(transient, {
    halfOpenAfter: 10_000,
    breaker: new ConsecutiveBreaker(5),
  });
  const policy: IPolicy = wrap(
    retry(transient, {
      maxAttempts: options.retries ?? 2,
      backoff: new ExponentialBackoff({ initialDelay: 200, maxDelay: 2000 }),
    }),
    breaker,
    timeout(options.timeoutMs ?? 3000, TimeoutStrategy.Aggressive),
  );

  async function once(request: ProviderRequest, signal: AbortSignal): Promise<unknown> {
    let response: Response;
    try {
      const { url, ...init } = request;
      response = await fetch(url, { ...init, signal });
    } catch (cause) {
      throw new ProviderError(`${options.name} did not answer`, { permanent: false, cause });
    }
    const text = await readText(response, options.name);
    if (!response.ok) {
      const permanent = response.status >= 400 && response.status < 500 && !RETRY_STATUSES.has(response.status);
      throw new ProviderError(`${options.name} answered ${response.status}: ${told(text)}`, {
        status: response.status,
        permanent,
      });
    }
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  return {
    async call(request) {
      try {
        const answer = await policy.execute(({ signal }) => once(request, signal));
        options.metrics.providerCalls.inc({ provider: options.name, outcome: "ok" });
        return answer;
      } catch (cause) {
        options.metrics.providerCalls.inc({ provider: options.name, outcome: "failed" });
        if (cause instanceof ProviderError) throw cause;
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new ProviderError(`${options.name}: ${message}`, { permanent: false, cause });
      }
    },
    state: () =>
      breaker.state === CircuitState.Closed ? "closed" : breaker.state === CircuitState.HalfOpen ? "halfOpen" : "open",
  };
}
