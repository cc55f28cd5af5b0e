/**
 * `npm run check:drift`: do the migrations build what schema.prisma says? Needs a server on which it may make two
 * databases: TEST_DATABASE_URL, else a throw-away embedded one. Prints the differences and exits 1 when there are any.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { findDrift } from "#prisma/drift.ts";
import { MigrationError } from "#prisma/migrate.ts";
import { createDatabase, dropDatabase } from "#scripts/services/databases.ts";
import { startScratchPostgres } from "#scripts/services/postgres.ts";
import { onTermination } from "#scripts/services/process-group.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";

async function main(): Promise<void> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? undefined : await startScratchPostgres();
  const stopServer = async () => {
    await server?.stop();
  };
  onTermination(async () => {
    await stopServer();
    return 130;
  });
  const adminUrl = given ?? server?.adminUrl ?? "";
  const suffix = randomBytes(4).toString("hex");
  const names = { migrated: `drift_migrated_${suffix}`, modelled: `drift_modelled_${suffix}` };
  try {
    const differences = await findDrift({
      migratedUrl: await createDatabase(adminUrl, names.migrated),
      modelledUrl: await createDatabase(adminUrl, names.modelled),
      schemaFile: join(import.meta.dirname, "schema.prisma"),
    });
    for (const line of differences) console.log(`✗ ${line}`);
    console.log(
      differences.length === 0 ? "✓ migrations and schema.prisma agree" : `${differences.length} differences`,
    );
    if (differences.length > 0) process.exitCode = 1;
  } finally {
    for (const name of Object.values(names)) await dropDatabase(adminUrl, name);
    await stopServer();
  }
}

await main().catch((error: unknown) => {
  console.error(`✗ ${error instanceof MigrationError ? error.message : describeFailure(error)}`);
  process.exitCode = 1;
});
process.exit(); // the engine's left-over timer would keep us for another 10 s
