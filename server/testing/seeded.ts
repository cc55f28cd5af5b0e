import { randomInt } from "node:crypto";
import { seededRandom } from "#prisma/seed/places.ts";

export interface Seeded {
  readonly seed: number;
  /** 0 ≤ x < 1 */
  readonly next: () => number;
  /** 0 ≤ n < below */
  readonly below: (below: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly shuffle: <T>(items: readonly T[]) => T[];
}

export function seeded(seed: number): Seeded {
  const next = seededRandom(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    seed,
    next,
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    shuffle: (items) => {
      const mixed = [...items];
      for (let i = mixed.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [mixed[i], mixed[j]] = [mixed[j] as (typeof mixed)[number], mixed[i] as (typeof mixed)[number]];
      }
      return mixed;
    },
  };
}

/** Runs with a fresh seed, or with TEST_SEED; a failure names the seed that brings it back. */
export async function withSeed(work: (random: Seeded) => Promise<void>): Promise<void> {
  const seed = process.env.TEST_SEED === undefined ? randomInt(2 ** 31) : Number(process.env.TEST_SEED);
  try {
    await work(seeded(seed));
  } catch (error) {
    if (error instanceof Error) error.message = `${error.message}\n(again with TEST_SEED=${seed})`;
    throw error;
  }
}
