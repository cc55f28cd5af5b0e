/**
 * `npm run check:invariants [-- --json]`: what must hold at any moment, asked of the running platform. Exits with 0 when
 * all of it holds, 1 on a violation, 2 when the check itself failed, 3 when nothing is violated and not all was checked.
 */
import { parseArgs } from "node:util";
import { printInvariants, readInvariants } from "#scripts/replay/invariants.ts";
import { findTarget } from "#scripts/services/running.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
  const view = await readInvariants(findTarget());
  if (values.json) console.log(JSON.stringify(view, null, 2));
  else for (const line of printInvariants(view)) console.log(line);
  if (view.results.some(({ violations }) => violations > 0)) process.exitCode = 1;
  else if (!view.ok) process.exitCode = 3;
}

main().catch((error: unknown) => {
  console.error(describeFailure(error));
  process.exitCode = 2;
});
