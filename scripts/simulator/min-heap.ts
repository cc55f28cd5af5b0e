/** A binary heap that gives the item with the lowest priority first. */
export class MinHeap<T> {
  readonly #items: { value: T; priority: number }[] = [];

  push(value: T, priority: number): void {
    const items = this.#items;
    let i = items.push({ value, priority }) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#priority(parent) <= priority) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  /** Removes and returns the lowest item; undefined when empty. */
  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (!top || !last || items.length === 0) return top?.value;
    items[0] = last;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let smallest = i;
      if (this.#priority(left) < this.#priority(smallest)) smallest = left;
      if (this.#priority(right) < this.#priority(smallest)) smallest = right;
      if (smallest === i) return top.value;
      this.#swap(i, smallest);
      i = smallest;
    }
  }

  /** Past the end counts as infinitely far, so that a missing child never wins. */
  #priority(index: number): number {
    return this.#items[index]?.priority ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const items = this.#items;
    const kept = items[a];
    const other = items[b];
    if (!kept || !other) return;
    items[a] = other;
    items[b] = kept;
  }
}
