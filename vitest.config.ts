import { defineConfig } from "vitest/config";

const outside = ["node_modules/**", ".next/**", ".data/**", "e2e/**", "prisma/generated/**"];

/**
 * Two projects: `unit` needs nothing, `integration` (`*.int.test.ts`) needs the services whose addresses scripts/test.ts
 * hands over by environment. Nothing is retried: a test that passes at the second try hides a race.
 */
export default defineConfig({
  test: {
    environment: "node",
    pool: "forks",
    maxWorkers: 2,
    retry: 0,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["**/*.test.{ts,tsx}"], exclude: [...outside, "**/*.int.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["**/*.int.test.ts"],
          exclude: outside,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
