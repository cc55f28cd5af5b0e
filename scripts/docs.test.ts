import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "#scripts/services/data-dir.ts";

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter(Boolean);

/** `a/{b,c}.ts` as `a/b.ts` and `a/c.ts`. */
function expand(path: string): string[] {
  const braces = /^(.*)\{([^{}]*)\}(.*)$/.exec(path);
  if (braces === null) return [path];
  const [, before = "", choices = "", after = ""] = braces;
  return choices.split(",").flatMap((choice) => expand(`${before}${choice}${after}`));
}

/** Files of ours that a document names: a path from the root, or the end of one. */
const namedIn = (text: string): string[] =>
  [...text.matchAll(/`([\w@(){},./[\]-]+\.(?:ts|tsx|mjs))`/g)].flatMap(([, path = ""]) => expand(path));
const isThere = (name: string) => files.some((file) => file === name || file.endsWith(`/${name}`));

describe("the documents name files that exist", () => {
  test.each(files.filter((file) => file.endsWith(".md")))("%s", (document) => {
    expect(namedIn(readFileSync(join(ROOT, document), "utf8")).filter((name) => !isThere(name))).toEqual([]);
  });

  test("one that does not is found", () => {
    expect(namedIn("see `server/{main,gone}.ts` and `nowhere.test.ts`").filter((name) => !isThere(name))).toEqual([
      "server/gone.ts",
      "nowhere.test.ts",
    ]);
  });
});
