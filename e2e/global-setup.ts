import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase, dropDatabase } from "#scripts/services/databases.ts";
import { findFreePort } from "#scripts/services/ports.ts";
import { spawnChild } from "#scripts/services/process-group.ts";

const ROOT = join(import.meta.dirname, "..");
/** A first `next build` on a small machine takes minutes. */
const START_TIMEOUT_MS = 10 * 60_000;

/** In the place of the CAPTCHA provider, which no journey can reach: one answer is right. */
async function startSiteverify(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const success = new URLSearchParams(body).get("response") === "solved-in-a-journey";
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ success }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/siteverify`, close: () => server.close() };
}

/**
 * Starts the product for the journeys the way a person would, with `scripts/start.ts`: on a database and a data folder of
 * its own, without the city simulator (a journey moves what it needs moved). Tells the journeys by environment where it
 * is: E2E_BASE_URL, E2E_DATABASE_URL, E2E_DATA_DIR. A product that is running already is used when E2E_BASE_URL is set.
 *
 * @returns what stops it again
 */
export default async function startProduct(): Promise<() => Promise<void>> {
  if (process.env.E2E_BASE_URL) return async () => undefined;

  const port = await findFreePort();
  const siteverify = await startSiteverify();
  const dataDir = mkdtempSync(join(tmpdir(), "smartline-e2e-"));
  chmodSync(dataDir, 0o755); // the postgres user must be able to enter it
  const admin = process.env.TEST_DATABASE_URL;
  const name = `e2e_${randomBytes(4).toString("hex")}`;
  // Absent TEST_DATABASE_URL, the product brings its own embedded PostgreSQL.
  const databaseUrl = admin ? await createDatabase(admin, name, process.env.TEST_TEMPLATE_DATABASE) : undefined;

  let announceReady = () => {};
  const ready = new Promise<void>((resolve) => {
    announceReady = resolve;
  });
  const output: string[] = [];
  const product = spawnChild({
    name: "the product",
    command: process.execPath,
    args: [join(ROOT, "scripts", "start.ts")],
    cwd: ROOT,
    env: {
      ...process.env,
      PORT: String(port),
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      REDIS_URL: undefined, // a private one: tests of Redis flush and kill theirs
      DEMO: "0",
      CAPTCHA_PROVIDER: "turnstile",
      CAPTCHA_SITE_KEY: "site-key-of-the-journeys",
      CAPTCHA_SECRET: "secret-of-the-journeys",
      CAPTCHA_VERIFY_URL: siteverify.url,
    },
    output: {
      lines: (line) => {
        output.push(line);
        if (line.startsWith("Ready")) announceReady();
      },
    },
    stopTimeoutMs: 60_000,
  });
  const stop = async () => {
    await product.stop();
    siteverify.close();
    if (admin) await dropDatabase(admin, name);
    rmSync(dataDir, { recursive: true, force: true });
  };

  const timer = setTimeout(() => void product.stop(), START_TIMEOUT_MS);
  const outcome = await Promise.race([ready.then(() => "ready" as const), product.exited]);
  clearTimeout(timer);
  if (outcome !== "ready") {
    await stop();
    throw new Error(`the product did not start for the journeys:\n${output.slice(-30).join("\n")}`);
  }
  process.env.E2E_BASE_URL = `http://localhost:${port}`;
  process.env.E2E_DATA_DIR = dataDir;
  if (databaseUrl) process.env.E2E_DATABASE_URL = databaseUrl;
  return stop;
}
