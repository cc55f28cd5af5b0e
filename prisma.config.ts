import { defineConfig } from "prisma/config";

/** For Prisma's own CLI: `prisma generate` (scripts/generate.ts), and `prisma migrate deploy` where its engine can be had. */
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  // Generating needs no database; an empty URL is refused only by the commands that connect.
  datasource: { url: process.env.DATABASE_URL ?? "" },
});
