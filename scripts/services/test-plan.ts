import { StartupError } from "#scripts/services/startup-error.ts";

const STAGES = ["checks", "unit", "integration", "e2e"] as const;

/** A part of `npm test`. */
type Stage = (typeof STAGES)[number];

/** What a call of `npm test` runs. */
export interface TestPlan {
  stages: Set<Stage>;
  /** A part of a path: only test files that contain it. */
  filter?: string;
}

/**
 * Reads `--only=checks,unit,integration,e2e` and `--filter=<path>`. A filter leaves the checks out, and the runner that
 * its path does not belong to.
 *
 * @throws StartupError for an argument it does not know
 */
export function readTestPlan(args: readonly string[]): TestPlan {
  let stages: Stage[] = [...STAGES];
  let filter: string | undefined;
  for (const arg of args) {
    const [, name, value] = /^--(only|filter)=(.+)$/.exec(arg) ?? [];
    if (name === "only" && value) stages = value.split(",").map(readStage);
    else if (name === "filter") filter = value;
    else throw new StartupError(`unknown argument ${arg}; known are --only=${STAGES.join(",")} and --filter=<path>`);
  }
  if (!filter) return { stages: new Set(stages) };
  const wanted = stages.filter((stage) => stage !== "checks" && (stage === "e2e") === isJourney(filter));
  return { stages: new Set(wanted), filter };
}

function readStage(name: string): Stage {
  const stage = STAGES.find((known) => known === name);
  if (!stage) throw new StartupError(`unknown stage "${name}"; known are ${STAGES.join(", ")}`);
  return stage;
}

function isJourney(filter: string): boolean {
  return /^(\.\/)?e2e(\/|$)/.test(filter) || filter.endsWith(".spec.ts");
}
