import { setImmediate as turn } from "node:timers/promises";

/**
 * Long work of several who wake at the same moment, one in each turn of the event loop: whoever else waits has theirs in between.
 * `setImmediate` alone would run all of them in one turn.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is this one's turn. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => turn());
    return this.#last;
  }
}
