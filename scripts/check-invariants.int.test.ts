import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "#scripts/services/data-dir.ts";
import { findFreePort } from "#scripts/services/ports.ts";
import type { InvariantsView } from "#server/contracts/console.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp({ coordination: "redis" });
});
afterAll(() => t.dispose());

const run = promisify(execFile);
/** Ends with 0 or not, and what it printed. */
async function check(redisUrl: string, ...args: string[]): Promise<{ code: number; lines: string[] }> {
  const env = { ...process.env, ...t.env, REDIS_URL: redisUrl };
  const command = [join(ROOT, "scripts", "check-invariants.ts"), ...args];
  const { code, stdout } = await run(process.execPath, command, { env }).then(
    (ended) => ({ code: 0, ...ended }),
    (failed: { code: number; stdout: string }) => failed,
  );
  return { code, lines: stdout.trimEnd().split("\n") };
}

test("with Redis all is checked; without, the rest is, and nobody can take it for a full pass", async () => {
  const full = await check(t.env.REDIS_URL ?? "");
  expect(full.lines.at(-1)).toMatch(/^(\d+) invariants, 0 violated, \d+ ms$/);
  expect(full.code).toBe(0);
  expect(full.lines.filter((line) => !line.startsWith("✓"))).toHaveLength(1);

  const away = `redis://127.0.0.1:${await findFreePort()}`;
  const part = await check(away);
  expect(part.lines.at(-1)).toMatch(/^\d+ invariants, 0 violated, 1 not checked: this is no full pass, \d+ ms$/);
  expect(part.code).toBe(3);
  expect(part.lines.filter((line) => line.startsWith("✓"))).toHaveLength(full.lines.length - 2);
  expect(part.lines.find((line) => line.startsWith("? "))).toMatch(/lock_owner_is_driver +Not checked now: Redis does/);

  // A violation counts for more than what could not be checked.
  const driver = await t.make.driver();
  await t.rows("UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = $1", [driver]);
  const broken = await check(away, "--json");
  expect(broken.code).toBe(1);
  const { ok, results } = JSON.parse(broken.lines.join("\n")) as InvariantsView;
  expect(ok).toBe(false);
  const notable = results.filter(({ violations, unchecked }) => violations > 0 || unchecked !== null);
  expect(notable.map(({ name }) => name)).toEqual(["no_ghost_driver", "lock_owner_is_driver"]);
});
