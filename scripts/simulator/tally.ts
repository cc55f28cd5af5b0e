/** What happened since the last status line, and since the start. */
export const COUNTED = [
  "requested",
  "refused",
  "accepted",
  "lost",
  "rejected",
  "ignored",
  "completed",
  "cancelled",
  "expired",
  "wrongCodes",
  "retries",
] as const;
export type Counted = (typeof COUNTED)[number];

export class Tally {
  readonly #counts = new Map<Counted, number>();
  /** Problem codes that nobody expects, with how often. */
  readonly #problems = new Map<string, number>();

  count(what: Counted): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  problem(code: string | null): void {
    if (code !== null) this.#problems.set(code, (this.#problems.get(code) ?? 0) + 1);
  }

  /** The counts that are not zero as `12 requested, 9 accepted`, and starts anew. */
  takeLine(): string {
    const counts = COUNTED.flatMap((what) => {
      const n = this.#counts.get(what) ?? 0;
      return n === 0 ? [] : [`${n} ${what === "wrongCodes" ? "wrong codes" : what}`];
    });
    const problems = [...this.#problems].map(([code, n]) => `${n}× ${code}`);
    this.#counts.clear();
    this.#problems.clear();
    return [
      counts.join(", ") || "nothing happened",
      ...(problems.length > 0 ? [`problems: ${problems.join(", ")}`] : []),
    ].join("; ");
  }
}
