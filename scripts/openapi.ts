/**
 * `npm run openapi`: the API's document, held to the strictest of the linter's rule sets, and the types of a client made
 * of it, for the tests that drive the API through them. Fails on any error or warning.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { ROOT } from "#scripts/services/data-dir.ts";
import { openApiDocument } from "#server/http/openapi/document.ts";

const FOLDER = join(ROOT, "server", "testing", "generated");
const source = JSON.stringify(openApiDocument("https://api.smartline.app"), null, 2);
mkdirSync(FOLDER, { recursive: true });
writeFileSync(join(FOLDER, "openapi.json"), source);

const problems = await lintFromString({
  source,
  absoluteRef: join(FOLDER, "openapi.json"),
  config: await createConfig({ extends: ["recommended-strict"] }),
});
for (const { ruleId, message, location } of problems) {
  console.error(`✗ ${ruleId} at ${location.map((at) => ("pointer" in at ? at.pointer : "")).join(", ")}: ${message}`);
}
if (problems.length > 0) {
  process.exitCode = 1;
} else {
  // The generator writes TypeScript with the compiler's API, which TypeScript 7 has no more.
  registerHooks({
    resolve: (name, context, next) => next(name === "typescript" ? "typescript-5" : name, context),
  });
  const { default: openapiTypes, astToString } = await import("openapi-typescript");
  writeFileSync(join(FOLDER, "api.d.ts"), astToString(await openapiTypes(source)));
  console.log("✓ the API's document passes its linter; its client's types are written");
}
