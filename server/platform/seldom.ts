/** The longest a trouble that goes on is silent in the log. */
const EVERY_MS = 60_000;
/** Kinds of trouble remembered; beyond them all are forgotten, and said once more. */
const MAX_KINDS = 50;

export interface Trouble {
  readonly err: unknown;
  /** How often the same was left out of the log since it was last said. */
  readonly repeated: number;
}

/** A code stands for its kind of trouble: the words beside it name another port or pid each time. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  return code ?? `${error.name}: ${error.message}`;
}

/**
 * For the log of what repeats as long as an outage lasts, from many connections at once: the first of a kind is said at
 * once, the others at most once in a minute, with their number.
 *
 * @param now milliseconds of a clock that does not go back
 */
export function seldom(say: (trouble: Trouble) => void, now = () => performance.now()): (error: unknown) => void {
  const known = new Map<string, { saidAt: number; repeated: number }>();
  return (err) => {
    const kind = kindOf(err);
    const before = known.get(kind);
    if (before !== undefined && now() - before.saidAt < EVERY_MS) {
      before.repeated++;
      return;
    }
    if (known.size >= MAX_KINDS) known.clear();
    known.set(kind, { saidAt: now(), repeated: 0 });
    say({ err, repeated: before?.repeated ?? 0 });
  };
}
