/**
 * `npm run keys:rotate`: encrypts anew what stands under an older key. Put the new key first in ENCRYPTION_KEYS and the old
 * one behind it, restart the platform with both, run this; when it counts nothing any more the old key can go. Safe while
 * the platform runs, and to be run again after a stop in the middle.
 */
import pg from "pg";
import { findTarget } from "#scripts/services/running.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";
import { parseEncryptionKeys } from "#server/config/env.ts";
import { rotateKeys } from "#server/domain/secrets/rotate-keys.ts";
import { Cipher } from "#server/platform/cipher.ts";

async function main(): Promise<void> {
  const { databaseUrl, encryptionKeys } = findTarget();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const { name, rotated, overtaken } of await rotateKeys(
      client,
      new Cipher(parseEncryptionKeys(encryptionKeys)),
    ))
      process.stdout.write(
        `${name}: ${rotated} rotated${overtaken > 0 ? `, ${overtaken} changed meanwhile (run again)` : ""}\n`,
      );
  } finally {
    await client.end();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
});
