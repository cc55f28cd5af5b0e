import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const ROOT = dirname(import.meta.dirname);
let folder = "";

/** Cruises a tiny house of its own with the real rules; returns what was reported. */
async function cruise(files: Readonly<Record<string, string>>): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), "boundaries-"));
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", imports: { "#server/*": "./server/*" } }),
  );
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const depcruise = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const args = [depcruise, "--config", join(ROOT, ".dependency-cruiser.cjs"), "--output-type", "err", "server"];
  return run(process.execPath, args, { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

afterEach(() => rm(folder, { recursive: true, force: true }));

// The cruiser once read no TypeScript at all and found nothing wrong with anything.
describe("the rules of the house", () => {
  it("refuse the domain an edge", async () => {
    const report = await cruise({
      "server/domain/trips/trip.ts": 'import { door } from "#server/http/door.ts";\nexport const trip = door;\n',
      "server/http/door.ts": "export const door = 1;\n",
    });
    expect(report).toContain("domain-knows-no-edge");
  });

  it("refuse one edge another", async () => {
    const report = await cruise({
      "server/jobs/job.ts": 'import { socket } from "#server/realtime/socket.ts";\nexport const job = socket;\n',
      "server/realtime/socket.ts": "export const socket = 1;\n",
    });
    expect(report).toContain("edges-apart");
  });

  it("let the domain have its platform", async () => {
    const report = await cruise({
      "server/domain/trips/trip.ts": 'import { clock } from "#server/platform/clock.ts";\nexport const trip = clock;\n',
      "server/platform/clock.ts": "export const clock = 1;\n",
    });
    expect(report).toMatch(/no dependency violations found \(2 modules/);
  });
});
