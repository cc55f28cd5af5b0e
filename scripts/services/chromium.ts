import { existsSync } from "node:fs";
import { findOnPath, installPackage } from "#scripts/services/system-packages.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** What Chromium is started with: nothing asked of the network, and the map, which is WebGL, drawn in software without a graphics card. */
export const CHROMIUM_FLAGS = [
  ...[
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
  ...["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"],
];

/** A browser for the journeys, or why there is none. */
export type ChromiumSearch = { kind: "found"; path: string } | { kind: "unavailable"; reason: string };

/**
 * Finds a Chromium: CHROMIUM_PATH, else one on the PATH, else the one that Playwright has downloaded, else (as root, with
 * apt-get) installs Debian's.
 */
export async function findChromium(log: (line: string) => void): Promise<ChromiumSearch> {
  const given = process.env.CHROMIUM_PATH;
  if (given) {
    if (existsSync(given)) return { kind: "found", path: given };
    return { kind: "unavailable", reason: `CHROMIUM_PATH names ${given}, which does not exist` };
  }
  const installed = findOnPath(...NAMES);
  if (installed) return { kind: "found", path: installed };
  const own = await playwrightChromium();
  if (own) return { kind: "found", path: own };
  const problem = await installPackage("chromium", log);
  const fresh = findOnPath(...NAMES);
  return fresh
    ? { kind: "found", path: fresh }
    : { kind: "unavailable", reason: problem ?? "no chromium or google-chrome on the PATH" };
}

async function playwrightChromium(): Promise<string | null> {
  const { chromium } = await import("@playwright/test");
  const path = chromium.executablePath();
  return path && existsSync(path) ? path : null;
}
