import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "#scripts/services/data-dir.ts";

/** Prisma's doors to SQL that is put together from text. Everything else binds its values. */
const BANNED = /\$queryRawUnsafe|\$executeRawUnsafe|\bPrisma\s*\.\s*raw\b/;

/** Our sources, in git or not yet. */
function sources(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.tsx", "*.js", "*.mjs"];
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
}
const breaches = (files: readonly { readonly name: string; readonly text: string }[]) =>
  files.filter(({ text }) => BANNED.test(text)).map(({ name }) => name);

test("no source puts SQL together from text through Prisma", () => {
  const own = "scripts/raw-sql.test.ts";
  const names = sources().filter((name) => name !== own);
  expect(names.length).toBeGreaterThan(300);
  const existing = names.flatMap((name) => {
    try {
      return [{ name, text: readFileSync(join(ROOT, name), "utf8") }];
    } catch {
      return []; // deleted, not committed yet
    }
  });
  expect(breaches(existing)).toEqual([]);
});

describe("mutation: the ban bites", () => {
  test.each([
    "await db.prisma.$queryRawUnsafe(text)",
    'await prisma["$executeRawUnsafe"](text)',
    "const { $queryRawUnsafe: query } = prisma;",
    "Prisma.raw(column)",
    "Prisma\n  .raw(column)",
  ])("%s", (text) => {
    expect(breaches([{ name: "x.ts", text }])).toEqual(["x.ts"]);
  });

  test("and only what is meant", () => {
    expect(breaches([{ name: "x.ts", text: "prisma.$queryRaw`SELECT 1`; c.req.raw; Prisma.rawest" }])).toEqual([]);
  });
});
