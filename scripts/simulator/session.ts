import type { Answer, Call, Send } from "#scripts/simulator/api-client.ts";

/** A password costs the server a scrypt, so at most this many sign in at once. */
const SIGN_INS_AT_ONCE = 2;
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30_000;
/** Signed in again when this share of the token's life is over: a little differently for each, so that they do not come in step. */
const RENEW_SHARE = { from: 0.75, to: 0.9 };

/** Lets a few sign in at a time; the others queue. */
export class SignInDesk {
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  async serve<T>(work: () => Promise<T>): Promise<T> {
    if (this.#open >= SIGN_INS_AT_ONCE) await new Promise<void>((turn) => this.#waiting.push(turn));
    else this.#open++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#open--;
      else next(); // takes over this place
    }
  }
}

/** One person's sign-in: kept fresh by `tick`, and attached to each of their calls. */
export class Session {
  readonly #phone: string;
  readonly #password: string;
  readonly #sendPlain: Send;
  readonly #desk: SignInDesk;
  readonly #random: () => number;
  #token: string | null = null;
  #renewAt = 0;
  #failures = 0;
  #signingIn = false;

  constructor(options: {
    phone: string;
    password: string;
    send: Send;
    desk: SignInDesk;
    random: () => number;
    /** Epoch milliseconds: signs in not before. */
    startsAt: number;
  }) {
    this.#phone = options.phone;
    this.#password = options.password;
    this.#sendPlain = options.send;
    this.#desk = options.desk;
    this.#random = options.random;
    this.#renewAt = options.startsAt;
  }

  get token(): string | null {
    return this.#token;
  }

  /** `now` in epoch milliseconds. Resolves when nothing is left to do for now. */
  async tick(now: number): Promise<void> {
    if (this.#signingIn || now < this.#renewAt) return;
    this.#signingIn = true;
    const body = { phone: this.#phone, password: this.#password };
    try {
      const answer = await this.#desk.serve(() =>
        this.#sendPlain({ method: "POST", path: "/api/v1/auth/login", body }),
      );
      this.#take(answer, now);
    } finally {
      this.#signingIn = false;
    }
  }

  /** A call in this person's name. Refused as unauthenticated, the token is forgotten and the next tick signs in again. */
  readonly send: Send = async (call: Call): Promise<Answer> => {
    const token = this.#token;
    if (token === null) return { status: 0, ok: false, body: null, code: "NO_ANSWER", retryAfterMs: null, tookMs: 0 };
    const answer = await this.#sendPlain({ ...call, token });
    if (answer.status === 401 && this.#token === token) this.invalidate();
    return answer;
  };

  invalidate(): void {
    this.#token = null;
    this.#renewAt = 0;
  }

  #take(answer: Answer, now: number): void {
    const body = answer.body as { accessToken?: unknown; expiresIn?: unknown } | null;
    if (answer.ok && typeof body?.accessToken === "string" && typeof body.expiresIn === "number") {
      this.#token = body.accessToken;
      const share = RENEW_SHARE.from + this.#random() * (RENEW_SHARE.to - RENEW_SHARE.from);
      this.#renewAt = now + body.expiresIn * 1000 * share;
      this.#failures = 0;
      return;
    }
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    this.#renewAt = now + (answer.retryAfterMs ?? 0) + pause * (0.5 + this.#random());
  }
}
