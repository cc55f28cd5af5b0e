import type { ExpiringSets } from "#server/platform/expiring-sets/expiring-sets.ts";

/** Sets looked through for what has left, at each addition: every set is looked at now and then. */
const LOOKED_AT = 3;

/** Of this process only. */
export class MemoryExpiringSets implements ExpiringSets {
  readonly #monotonicMs: () => number;
  readonly #sets = new Map<string, Map<string, number>>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  async add(
    key: string,
    member: string,
    { ttlMs, max = Number.POSITIVE_INFINITY }: { readonly ttlMs: number; readonly max?: number },
  ): Promise<number | null> {
    this.#sweep();
    const set = this.#living(key);
    if (!set.has(member) && set.size >= max) return null;
    set.set(member, this.#monotonicMs() + ttlMs);
    this.#sets.delete(key);
    this.#sets.set(key, set);
    return set.size;
  }

  keep(members: readonly { readonly key: string; readonly member: string }[], ttlMs: number): void {
    const until = this.#monotonicMs() + ttlMs;
    for (const { key, member } of members) {
      const set = this.#sets.get(key) ?? new Map<string, number>();
      this.#sets.set(key, set.set(member, until));
    }
  }

  async remove(key: string, member: string): Promise<void> {
    const set = this.#sets.get(key);
    if (set?.delete(member) && set.size === 0) this.#sets.delete(key);
  }

  async count(key: string): Promise<number> {
    return this.#living(key).size;
  }

  /** How many sets it remembers. */
  get size(): number {
    return this.#sets.size;
  }

  #living(key: string): Map<string, number> {
    const set = this.#sets.get(key) ?? new Map<string, number>();
    const now = this.#monotonicMs();
    for (const [member, until] of set) if (until <= now) set.delete(member);
    if (set.size === 0) this.#sets.delete(key);
    return set;
  }

  #sweep(): void {
    let left = LOOKED_AT;
    for (const [key, set] of this.#sets) {
      if (left-- === 0) return;
      // Last in line, unless nobody is in it any more.
      this.#sets.delete(key);
      if (this.#anybodyIn(set)) this.#sets.set(key, set);
    }
  }

  #anybodyIn(set: Map<string, number>): boolean {
    const now = this.#monotonicMs();
    for (const until of set.values()) if (until > now) return true;
    return false;
  }
}
