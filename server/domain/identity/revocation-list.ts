import { topics } from "#server/contracts/realtime.ts";
import type { Grant } from "#server/domain/identity/tokens.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";
import { seldom } from "#server/platform/seldom.ts";

/** Together with one statement's time this is how late a revocation is where no news comes through: under 5 s. */
const EVERY_MS = 2000;
/** A transaction that stamped its row may commit this much later. */
const OVERLAP_SECONDS = 60;
/** The longest that an access token lives, and some: a load test's, and an app's. */
const PEOPLE_SECONDS = 25 * 3600;
const SESSIONS_SECONDS = 20 * 60;

interface Person {
  readonly token_version: number;
  readonly may_sign_in: boolean;
  readonly spared_session_id: string | null;
}

interface Change extends Person {
  readonly kind: "session" | "person";
  readonly id: string;
  /** How long ago, by the database's clock. */
  readonly seconds_ago: number;
}

const CHANGES = `
SELECT 'session' AS kind, id, 0 AS token_version, false AS may_sign_in, NULL::uuid AS spared_session_id,
  EXTRACT(EPOCH FROM clock_timestamp() - revoked_at)::float8 AS seconds_ago
FROM sessions WHERE revoked_at > clock_timestamp() - make_interval(secs => $1)
UNION ALL
SELECT 'person', id, token_version, is_active AND deleted_at IS NULL, spared_session_id,
  EXTRACT(EPOCH FROM clock_timestamp() - access_changed_at)::float8
FROM users WHERE access_changed_at > clock_timestamp() - make_interval(secs => $2)`;

const samePerson = (a: Person | undefined, b: Person): boolean =>
  a !== undefined &&
  a.token_version === b.token_version &&
  a.may_sign_in === b.may_sign_in &&
  a.spared_session_id === b.spared_session_id;

/**
 * Which tokens are not good any more although they have not expired: ended sessions, and people whose account was
 * closed or whose token version changed. Kept in each process's memory, so that checking a request costs two look-ups and no round
 * trip. Filled by one small query every two seconds, and at once when the bus says that something changed.
 */
export class RevocationList {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #nowMs: () => number;
  readonly #complain: (error: unknown) => void;
  readonly #sessions = new Map<string, number>();
  readonly #people = new Map<string, Person & { readonly forgetAt: number }>();
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  #leave: (() => void)[] = [];
  #lastLoad: number | null = null;
  #loading: Promise<void> | null = null;
  #again = false;

  constructor(options: { db: Database; bus: EventBus; clock: Clock; logger: Logger }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#nowMs = () => options.clock.monotonicMs();
    this.#complain = seldom((trouble) => options.logger.warn(trouble, "revocations not read; trying again"));
  }

  /** Reads what was revoked, then keeps up. Without the database it starts all the same, and reads when that is back. */
  async start(): Promise<void> {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => void this.#load(), EVERY_MS);
    // Closing an operator's account is told of on the other topic.
    this.#leave = [topics.revocations, topics.access].map((topic) =>
      this.#bus.subscribe(topic, () => void this.#load()),
    );
    await this.#load();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const leave of this.#leave) leave();
    this.#timer = null;
    await this.#loading;
  }

  /** Tells all processes to read now. Call it after the commit. */
  announce(): void {
    this.#bus.publish(topics.revocations, "changed", {});
  }

  /** Why a token is not good any more; null when it is. */
  refusal({ actor, tokenVersion }: Grant): string | null {
    const { sessionId } = actor;
    if (sessionId !== undefined && this.#sessions.has(sessionId)) return "This session was ended. Sign in again.";
    const person = this.#people.get(actor.id);
    if (person === undefined) return null;
    if (!person.may_sign_in) return "This account may not sign in any more.";
    if (tokenVersion >= person.token_version) return null;
    const spared = sessionId !== undefined && sessionId === person.spared_session_id;
    return spared && tokenVersion === person.token_version - 1 ? null : "This session was ended. Sign in again.";
  }

  /** Called after each reading that brought something new. Returns the way out. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One reading at a time; what changes while one runs is read by another right after. */
  async #load(): Promise<void> {
    this.#again = this.#loading !== null;
    this.#loading ??= this.#read()
      .catch(this.#complain)
      .finally(() => {
        this.#loading = null;
        if (this.#again && this.#timer !== null) void this.#load();
      });
    return this.#loading;
  }

  async #read(): Promise<void> {
    const started = this.#nowMs();
    const since = this.#lastLoad === null ? Number.POSITIVE_INFINITY : (started - this.#lastLoad) / 1000;
    const reach = (longest: number) => Math.min(longest, since + OVERLAP_SECONDS);
    const { rows } = await this.#db.pool.query<Change>({
      name: "access-changes",
      text: CHANGES,
      values: [reach(SESSIONS_SECONDS), reach(PEOPLE_SECONDS)],
    });
    let changed = false;
    for (const { kind, id, seconds_ago, ...person } of rows) {
      const keep = (seconds: number) => started + (seconds - seconds_ago) * 1000;
      if (kind === "session") {
        changed ||= !this.#sessions.has(id);
        this.#sessions.set(id, keep(SESSIONS_SECONDS));
      } else {
        changed ||= !samePerson(this.#people.get(id), person);
        this.#people.set(id, { ...person, forgetAt: keep(PEOPLE_SECONDS) });
      }
    }
    this.#lastLoad = started;
    if (changed) for (const listener of this.#listeners) listener();
    for (const [id, forgetAt] of this.#sessions) if (forgetAt < started) this.#sessions.delete(id);
    for (const [id, { forgetAt }] of this.#people) if (forgetAt < started) this.#people.delete(id);
  }
}
