/** `npm run check:invariants [-- --json]`: what must hold at any moment, asked of the running platform. Exit 1 on a violation. */
import { parseArgs } from "node:util";
import { printInvariants, readInvariants } from "#scripts/replay/invariants.ts";
import { findTarget } from "#scripts/services/running.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
  const view = await readInvariants(findTarget());
  if (values.json) console.log(JSON.stringify(view, null, 2));
  else for (const line of printInvariants(view)) console.log(line);
  if (!view.ok) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(describeFailure(error));
  process.exitCode = 2;
});
