/**
 * What was read a moment ago, by key. Callers at the same time share one read. A value counts as old from when its read
 * began, and a read that was under way when all was forgotten is not kept: what is answered is never older than `maxAgeMs`.
 * Beyond `maxEntries` the one read longest ago is forgotten.
 */
export class ShortCache<V> {
  readonly #read: (key: string) => Promise<V>;
  readonly #maxAgeMs: number;
  readonly #monotonicMs: () => number;
  readonly #maxEntries: number;
  readonly #known = new Map<string, { readonly value: Promise<V>; readonly readAt: number }>();

  constructor(options: {
    read: (key: string) => Promise<V>;
    maxAgeMs: number;
    monotonicMs: () => number;
    maxEntries?: number;
  }) {
    this.#read = options.read;
    this.#maxAgeMs = options.maxAgeMs;
    this.#monotonicMs = options.monotonicMs;
    this.#maxEntries = options.maxEntries ?? 1000;
  }

  /** A failed read is thrown to all who waited for it, and not remembered. */
  get(key: string): Promise<V> {
    const now = this.#monotonicMs();
    const known = this.#known.get(key);
    if (known !== undefined && now - known.readAt < this.#maxAgeMs) return known.value;
    this.#known.delete(key);
    if (this.#known.size >= this.#maxEntries) this.#known.delete(this.#known.keys().next().value ?? "");
    const entry = { value: this.#read(key), readAt: now };
    this.#known.set(key, entry);
    entry.value.catch(() => {
      if (this.#known.get(key) === entry) this.#known.delete(key);
    });
    return entry.value;
  }

  forget(): void {
    this.#known.clear();
  }
}
