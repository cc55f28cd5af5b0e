import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { explainInstallFailure, lacksOptionalOnly, needsInstall, writeStamp } from "./bootstrap.mjs";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bootstrap-test-"));
  writeFileSync(join(root, "package-lock.json"), '{"lockfileVersion":3}');
});
afterEach(() => rmSync(root, { recursive: true }));

function pretendInstall() {
  mkdirSync(join(root, "node_modules", ".bin"), { recursive: true });
  writeFileSync(join(root, "node_modules", ".bin", "node"), "");
}

describe("the install stamp", () => {
  test("a bare clone needs an install", () => {
    expect(needsInstall(root)).toBe(true);
  });

  test("an install of unknown origin is repeated", () => {
    pretendInstall();
    expect(needsInstall(root)).toBe(true);
  });

  test("a stamped install is taken as it is, until the lock file changes", () => {
    pretendInstall();
    writeStamp(root);
    expect(needsInstall(root)).toBe(false);
    writeFileSync(join(root, "package-lock.json"), '{"lockfileVersion":3,"packages":{}}');
    expect(needsInstall(root)).toBe(true);
  });

  test("what `npm install` has brought up to date is taken as it is", () => {
    const record = (version: string) =>
      writeFileSync(
        join(root, "node_modules", ".package-lock.json"),
        JSON.stringify({ packages: { "node_modules/zod": { version } } }),
      );
    const packages = {
      "": {},
      "node_modules/zod": { version: "4.6.7" },
      "node_modules/y": { version: "1", optional: true },
    };
    writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages }));
    pretendInstall();
    record("4.6.7");
    expect(needsInstall(root)).toBe(false);
    record("4.0.0");
    expect(needsInstall(root)).toBe(true);
  });

  test("an install that lost its Node is repeated", () => {
    pretendInstall();
    writeStamp(root);
    rmSync(join(root, "node_modules", ".bin", "node"));
    expect(needsInstall(root)).toBe(true);
  });
});

test("a failed install is explained in one line", () => {
  const network = "npm error code ENOTFOUND\nnpm error network request to https://registry.npmjs.org/zod failed";
  expect(explainInstallFailure(network, 1)).toMatch(/registry cannot be reached \(ENOTFOUND\)/);
  expect(explainInstallFailure("npm error code EUSAGE\nnpm error `npm ci` can only install with", 1)).toBe(
    "npm ci failed with exit code 1: `npm ci` can only install with",
  );
});

describe("a lock file that npm ci finds incomplete", () => {
  const missing = (...names: string[]) => names.map((name) => `npm error Missing: ${name} from lock file`).join("\n");
  beforeEach(() => {
    const packages = { "node_modules/x": { optionalDependencies: { "@x/darwin-arm64": "1.0.0" } } };
    writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages }));
  });

  test("is good enough when only other platforms' packages are not in it", () => {
    expect(lacksOptionalOnly(missing("@x/darwin-arm64@"), root)).toBe(true);
    expect(lacksOptionalOnly(missing("@x/darwin-arm64@1.0.0"), root)).toBe(true);
  });

  test("is refused when it lacks anything else or contradicts package.json", () => {
    expect(lacksOptionalOnly(missing("@x/darwin-arm64@", "zod@4.0.0"), root)).toBe(false);
    expect(lacksOptionalOnly(`${missing("@x/darwin-arm64@")}\nnpm error Invalid: lock file's zod@3`, root)).toBe(false);
    expect(lacksOptionalOnly("npm error code ENOTFOUND", root)).toBe(false);
  });
});
