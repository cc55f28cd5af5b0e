/** `npm run generate`: Prisma's client from prisma/schema.prisma, offline, and only when the schema has changed. */
import { ROOT } from "#scripts/services/data-dir.ts";
import { generateClient } from "#scripts/services/generate-client.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";

try {
  const { generated } = await generateClient(ROOT);
  console.log(generated ? "✓ Prisma client generated" : "✓ Prisma client is up to date");
} catch (error) {
  console.error(`✗ ${describeFailure(error)}`);
  process.exitCode = 1;
}
