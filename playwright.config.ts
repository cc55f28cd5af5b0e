import { defineConfig } from "@playwright/test";
import { CHROMIUM_FLAGS } from "#scripts/services/chromium.ts";

/**
 * The browser journeys. e2e/global-setup.ts starts the product and sets E2E_BASE_URL before the workers read this file;
 * CHROMIUM_PATH comes from scripts/test.ts, and without it Playwright's own browser is used.
 */
export default defineConfig({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  globalSetup: "./e2e/global-setup.ts",
  outputDir: "e2e/.artifacts",
  // One product and one city for all journeys: they run one after the other, as an operator would see them.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ? [["list"], ["json"]] : [["list"]],
  use: {
    baseURL: process.env.E2E_BASE_URL,
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "Africa/Cairo",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      ...(process.env.CHROMIUM_PATH ? { executablePath: process.env.CHROMIUM_PATH } : {}),
      args: CHROMIUM_FLAGS,
    },
  },
});
