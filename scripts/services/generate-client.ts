import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashPaths } from "#scripts/services/content-hash.ts";
import { spawnChild } from "#scripts/services/process-group.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

/** What the generated client is made from: the schema, and Prisma itself. */
const SOURCES = ["prisma/schema.prisma", "prisma.config.ts", "node_modules/prisma/package.json"];

/**
 * Generates Prisma's client into `prisma/generated` unless the one that is there was made from the same schema.
 *
 * @returns whether it had to be generated
 * @throws StartupError with what Prisma says of the schema
 */
export async function generateClient(root: string): Promise<{ generated: boolean }> {
  const folder = join(root, "prisma", "generated");
  const stamp = join(folder, ".schema-hash");
  const hash = hashPaths(root, SOURCES);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return { generated: false };

  rmSync(stamp, { force: true });
  const output: string[] = [];
  const child = spawnChild({
    name: "prisma generate",
    command: process.execPath,
    args: [join(root, "node_modules", "prisma", "build", "index.js"), "generate", "--no-hints"],
    cwd: root,
    env: {
      ...process.env,
      // The CLI insists on a schema engine that it would have to download, though generating never runs it: any
      // executable satisfies it.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
    },
    output: { lines: (line) => output.push(line) },
  });
  const exit = await child.exited;
  if (exit.code !== 0) {
    const said = output.map((line) => line.trim()).filter(Boolean);
    throw new StartupError(`prisma generate failed: ${said.slice(0, 12).join(" | ") || exit.error?.message}`);
  }
  writeFileSync(stamp, hash);
  return { generated: true };
}
