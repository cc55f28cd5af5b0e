import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Hono } from "hono";
import { compress } from "hono/compress";
import type { AppContext } from "#server/context.ts";
import type { DoorEnv } from "#server/http/door.ts";
import { openApiDocument } from "./document.ts";

const OURS = join(import.meta.dirname, "reference");
const THEIRS = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
/** The reference's files: all from here, none from elsewhere. */
const FILES: readonly (readonly [folder: string, name: string, type: string])[] = [
  [OURS, "reference.css", "text/css"],
  [OURS, "reference.js", "text/javascript"],
  [THEIRS, "swagger-ui.css", "text/css"],
  [THEIRS, "swagger-ui-bundle.js", "text/javascript"],
];

/** `GET /api/openapi.json`, built once; `GET /api/docs`, the interactive reference made of it. */
export function mountOpenApi(hono: Hono<DoorEnv>, app: AppContext): void {
  const document = JSON.stringify(openApiDocument(app.config.http.publicUrl));
  // Weak: the bytes differ when they are compressed.
  const etag = `W/"${createHash("sha256").update(document).digest("base64url").slice(0, 22)}"`;
  hono.use("/api/openapi.json", compress());
  hono.get("/api/openapi.json", (c) => {
    const headers = { ETag: etag, "Cache-Control": "no-cache" };
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
    return c.body(document, 200, { ...headers, "Content-Type": "application/json" });
  });

  hono.use("/api/docs/*", compress());
  hono.get("/api/docs", async (c) => c.html(await readFile(join(OURS, "index.html"), "utf8")));
  for (const [folder, name, type] of FILES) {
    hono.get(`/api/docs/${name}`, async (c) =>
      c.body(await readFile(join(folder, name), "utf8"), 200, {
        "Content-Type": `${type}; charset=utf-8`,
        "Cache-Control": "public, max-age=3600",
      }),
    );
  }
}
