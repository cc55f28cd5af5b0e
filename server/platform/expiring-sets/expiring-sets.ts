/** Sets whose members leave by themselves unless they are added again: who is connected, who looks at something. */
export interface ExpiringSets {
  /**
   * Adds, or stays, and answers how many there are then; null when the set holds `max` others already. Never throws.
   */
  add(key: string, member: string, options: { readonly ttlMs: number; readonly max?: number }): Promise<number | null>;
  /** Makes these stay for `ttlMs` from now. Never throws, and does not wait. */
  keep(members: readonly { readonly key: string; readonly member: string }[], ttlMs: number): void;
  /** Never throws. */
  remove(key: string, member: string): Promise<void>;
  /** Never throws. */
  count(key: string): Promise<number>;
}
