import { z } from "zod";

/** The most that a fare is ever multiplied by, whatever a zone says. */
export const MAX_SURGE = 5;

/** While the ratio of demand to supply is below `below` the fare is multiplied so; the last step has no bound. */
export interface SurgeStep {
  readonly below: number | null;
  readonly multiplier: number;
}

/** Trips that wait or are under way, for each free driver: audit 12.4's table. */
export const DEFAULT_SURGE_STEPS: readonly SurgeStep[] = [
  { below: 0.5, multiplier: 1 },
  { below: 1, multiplier: 1.2 },
  { below: 2, multiplier: 1.5 },
  { below: 4, multiplier: 2 },
  { below: null, multiplier: 3 },
];
export const DEFAULT_SURGE_CAP = 3;

const multiplier = z.number().min(1).max(MAX_SURGE).multipleOf(0.05);
/** Ratios and multipliers that rise, from 1 on, with no bound at the end. */
export const surgeStepsSchema = z
  .array(z.strictObject({ below: z.number().positive().max(1000).nullable(), multiplier }))
  .min(1)
  .max(10)
  .superRefine((steps, ctx) => {
    for (const [i, step] of steps.entries()) {
      const before = steps[i - 1];
      const isLast = i === steps.length - 1;
      if (isLast !== (step.below === null))
        ctx.addIssue({ code: "custom", path: [i, "below"], message: "the last step, and only it, has no upper ratio" });
      if (before === undefined) continue;
      if (step.below !== null && before.below !== null && step.below <= before.below)
        ctx.addIssue({ code: "custom", path: [i, "below"], message: "ratios must rise from step to step" });
      if (step.multiplier <= before.multiplier)
        ctx.addIssue({ code: "custom", path: [i, "multiplier"], message: "multipliers must rise from step to step" });
    }
    if (steps[0] !== undefined && steps[0].multiplier !== 1)
      ctx.addIssue({ code: "custom", path: [0, "multiplier"], message: "the first step charges no more: 1" });
  });
export const surgeMultiplierSchema = multiplier;

/** A zone as the console's surge room shows it. Times are ISO 8601 UTC. */
export interface ZoneSurgeRow {
  readonly zoneId: string;
  readonly zoneName: string;
  readonly isActive: boolean;
  /** What a trip booked now costs more: the override while there is one. */
  readonly multiplier: number;
  readonly demand: number;
  readonly supply: number;
  /** Demand for each free driver; null: nobody is free. */
  readonly ratio: number | null;
  /** Where the readings are going, and since when. */
  readonly direction: "up" | "down" | null;
  readonly directionSince: string | null;
  readonly changedAt: string | null;
  readonly computedAt: string | null;
  readonly enabled: boolean;
  readonly cap: number;
  readonly steps: readonly SurgeStep[];
  readonly ownSteps: boolean;
  readonly override: { readonly multiplier: number; readonly until: string } | null;
  readonly version: number;
  readonly updatedBy: string | null;
  readonly updatedAt: string | null;
}

export interface SurgePoint {
  readonly at: string;
  readonly multiplier: number;
  readonly demand: number;
  readonly supply: number;
}
