import { DomainError } from "#server/contracts/errors.ts";
import { LIMITS, type LimitScope, type LimitSpec } from "#server/contracts/limits.ts";
import { addressSubject, type LimitSubject, namedSubject, signInName } from "#server/domain/limits/limit-subject.ts";
import type { ViolationLog } from "#server/domain/limits/violation-log.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Metrics } from "#server/platform/metrics.ts";
import { MemoryRateLimiter } from "#server/platform/rate-limiter/memory-rate-limiter.ts";
import type { Count, CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";

export interface AdmittedWindow {
  readonly points: number;
  /** Seconds. */
  readonly per: number;
  readonly remaining: number;
  /** Seconds until it ends, rounded up: a caller who waits so long is let in. */
  readonly resetSeconds: number;
}

/** What a limit said to one call. */
export interface Admission {
  readonly scope: LimitScope;
  readonly subject: LimitSubject;
  readonly verdict: "counted" | "refused" | "repeat";
  readonly windows: readonly AdmittedWindow[];
  /** The window with the least room; of several, the one that lasts longest. Null for a repeat. */
  readonly tightest: AdmittedWindow | null;
  readonly insured: boolean;
  /** When refused: until every full window has ended. */
  readonly retryAfterSeconds: number | null;
  readonly at: Date;
}

interface TakeOptions {
  /** Names an operation that may be retried: it is counted once in the first window's time. */
  readonly operation?: string | null;
  /** In the place of the table's points of its first window. */
  readonly points?: number;
}

const spec = (scope: LimitScope): LimitSpec => LIMITS[scope];

function tightestOf(windows: readonly AdmittedWindow[]): AdmittedWindow | null {
  const [first, ...others] = windows;
  if (first === undefined) return null;
  return others.reduce(
    (least, window) =>
      window.remaining < least.remaining ||
      (window.remaining === least.remaining && window.resetSeconds > least.resetSeconds)
        ? window
        : least,
    first,
  );
}

/** Counts calls against the table `contracts/limits.ts`, whichever door they came through. */
export class LimitService {
  readonly #limiter: RateLimiter | null;
  readonly #here: MemoryRateLimiter;
  readonly #keys: RedisKeys;
  readonly #violations: ViolationLog;
  readonly #clock: Clock;
  readonly #metrics: Metrics;

  constructor(options: {
    /** Null: nothing is counted nor refused. */
    limiter: RateLimiter | null;
    keys: RedisKeys;
    violations: ViolationLog;
    clock: Clock;
    metrics: Metrics;
  }) {
    this.#limiter = options.limiter;
    this.#here = new MemoryRateLimiter(options.clock);
    this.#keys = options.keys;
    this.#violations = options.violations;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
  }

  /**
   * Counts one call. A refusal is an answer, and stays unnoticed until `refusal` makes an error of it. Null with limits
   * switched off. SERVICE_UNAVAILABLE for a scope that must not be counted by each process alone, while the store is away.
   */
  async take(scope: LimitScope, subject: LimitSubject, options: TakeOptions = {}): Promise<Admission | null> {
    if (this.#limiter === null) return null;
    const windows = this.#windows(scope, subject, options.points);
    const operation = options.operation ?? null;
    const onceKey = operation === null ? null : this.#keys.limitOnce(scope, subject.key, operation);
    const count = await this.#limiter.take(windows, onceKey);
    if (count.insured && spec(scope).whenStoreIsAway === "refuse") {
      this.#metrics.limitDecisions.inc({ scope, outcome: "unavailable" });
      throw new DomainError("SERVICE_UNAVAILABLE", `${scope} cannot be counted.`, { retryAfterSeconds: 2 });
    }
    return this.#admission(scope, subject, windows, count);
  }

  /**
   * Counts the calls of one who calls often, by this process alone and at once: each of a socket's frames would be a round
   * trip. Each call of what it returns is counted; null: it is let in.
   */
  counterHere(scope: LimitScope, subject: LimitSubject): () => Admission | null {
    if (this.#limiter === null) return () => null;
    const windows = this.#windows(scope, subject);
    const counted = this.#metrics.limitDecisions.labels({ scope, outcome: "counted" });
    return () => {
      if (this.#here.hit(windows)) {
        counted.inc();
        return null;
      }
      const admission = this.#admission(scope, subject, windows, this.#here.count(windows));
      return admission.verdict === "refused" ? admission : null;
    };
  }

  /** The call of `admission` is refused for good: noted for operators, and the error to answer with. */
  refusal({ scope, subject, retryAfterSeconds: wait, at }: Admission): DomainError {
    const retryAfterSeconds = wait ?? 1;
    this.#violations.note({ scope, subject, at, untilMs: at.getTime() + retryAfterSeconds * 1000 });
    return new DomainError(
      "RATE_LIMIT_EXCEEDED",
      `Too many requests. Please try again in ${retryAfterSeconds} seconds.`,
      {
        retryAfterSeconds,
      },
    );
  }

  /** `take`, throwing RATE_LIMIT_EXCEEDED for a refusal. */
  async enforce(scope: LimitScope, subject: LimitSubject, options: TakeOptions = {}): Promise<Admission | null> {
    const admission = await this.take(scope, subject, options);
    if (admission?.verdict === "refused") throw this.refusal(admission);
    return admission;
  }

  /** A sign-in to the console, counted with those to the API. One that succeeds is given back: only failures add up. */
  async signIn<T>(by: { readonly ip: string | null; readonly account: string }, work: () => Promise<T>): Promise<T> {
    const admissions = [
      await this.enforce("auth.address", addressSubject(by.ip)),
      await this.enforce("auth.login", namedSubject(signInName(by.ip, by.account))),
    ];
    const result = await work();
    for (const admission of admissions) if (admission !== null) this.giveBack(admission);
    return result;
  }

  /** A counted call that turned out to have done nothing new. Nobody waits for it. */
  giveBack({ scope, subject, verdict, windows, insured, at }: Admission): void {
    if (verdict !== "counted") return;
    const age = this.#clock.now().getTime() - at.getTime();
    // A window that ended meanwhile owes nothing to the next one.
    const open = this.#windows(scope, subject).filter((_, i) => (windows[i]?.resetSeconds ?? 0) * 1000 - 1000 > age);
    if (open.length > 0) void this.#limiter?.giveBack(open, insured);
  }

  /** Writes the violations that wait; for shutdown and tests. */
  drain(): Promise<void> {
    return this.#violations.drain();
  }

  #admission(
    scope: LimitScope,
    subject: LimitSubject,
    counted: readonly CountedWindow[],
    { verdict, insured, windows: states }: Count,
  ): Admission {
    this.#metrics.limitDecisions.inc({ scope, outcome: verdict });
    const windows = states.map(({ remaining, resetMs }, i): AdmittedWindow => {
      const { points = 0, per = 0 } = counted[i] ?? {};
      return { points, per, remaining, resetSeconds: Math.max(1, Math.ceil(resetMs / 1000)) };
    });
    const full = windows.filter(({ remaining }) => remaining === 0).map(({ resetSeconds }) => resetSeconds);
    const retryAfterSeconds = verdict === "refused" ? Math.max(1, ...full) : null;
    const tightest = tightestOf(windows);
    return { scope, subject, verdict, windows, tightest, insured, retryAfterSeconds, at: this.#clock.now() };
  }

  #windows(scope: LimitScope, subject: LimitSubject, points?: number): CountedWindow[] {
    return spec(scope).windows.map((window, i) => ({
      key: this.#keys.limit(scope, subject.key, window.per),
      points: i === 0 && points !== undefined ? points : window.points,
      per: window.per,
      lockSeconds: window.lockSeconds ?? 0,
    }));
  }
}
