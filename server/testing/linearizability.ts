/**
 * Did what clients saw happen in one order? A Wing–Gong search over one register at a time: an operation may take
 * effect at any moment between its call and its answer; one that was never answered, at any moment after its call or
 * never. The search keeps the set of (operations done, state) it has seen, as Lowe's refinement does.
 */
export interface Operation<I, O> {
  readonly input: I;
  /** null: nobody knows, as after a time-out. */
  readonly output: O | null;
  /** Monotonic milliseconds. */
  readonly calledAt: number;
  /** Infinity when it was never answered. */
  readonly answeredAt: number;
}

/** The register's rules. All states that `input` with `output` may lead to from `state`; none: it cannot have happened there. */
export interface Model<S, I, O> {
  readonly initial: S;
  readonly step: (state: S, input: I, output: O | null) => readonly S[];
  /** Equal states have equal keys. */
  readonly keyOf: (state: S) => string;
}

export type Verdict<I, O> =
  | { readonly linearizable: true }
  /** The longest order found, and what could not follow it. */
  | {
      readonly linearizable: false;
      readonly longest: readonly Operation<I, O>[];
      readonly stuck: readonly Operation<I, O>[];
    };

export function checkLinearizable<S, I, O>(model: Model<S, I, O>, history: readonly Operation<I, O>[]): Verdict<I, O> {
  const operations = [...history].sort((a, b) => a.calledAt - b.calledAt);
  const done = new Uint8Array(operations.length);
  const order: Operation<I, O>[] = [];
  const seen = new Set<string>();
  let longest: readonly Operation<I, O>[] = [];

  /** Whoever was called before the first answer that is still to come may be next. */
  function candidates(): number[] {
    let firstAnswer = Number.POSITIVE_INFINITY;
    operations.forEach((operation, n) => {
      if (done[n] === 0 && operation.answeredAt < firstAnswer) firstAnswer = operation.answeredAt;
    });
    const found: number[] = [];
    for (let n = 0; n < operations.length; n++) {
      const operation = operations[n];
      if (operation === undefined || operation.calledAt > firstAnswer) break;
      if (done[n] === 0) found.push(n);
    }
    return found;
  }

  function search(state: S): boolean {
    // What is unknown may never have happened: only answered operations must find their place.
    if (operations.every((operation, n) => done[n] === 1 || operation.output === null)) return true;
    const key = `${done.join("")}|${model.keyOf(state)}`;
    if (seen.has(key)) return false;
    seen.add(key);
    for (const n of candidates()) {
      const operation = operations[n] as Operation<I, O>;
      for (const next of model.step(state, operation.input, operation.output)) {
        done[n] = 1;
        order.push(operation);
        if (order.length > longest.length) longest = [...order];
        if (search(next)) return true;
        order.pop();
        done[n] = 0;
      }
    }
    return false;
  }

  if (search(model.initial)) return { linearizable: true };
  return { linearizable: false, longest, stuck: operations.filter((operation) => !longest.includes(operation)) };
}
