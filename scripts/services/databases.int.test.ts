import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import {
  checkDatabaseUrl,
  createDatabase,
  databaseExists,
  dropDatabase,
  withClient,
} from "#scripts/services/databases.ts";
import { findFreePort } from "#scripts/services/ports.ts";

const adminUrl = process.env.TEST_DATABASE_URL ?? "";

test("a copy has what its template has, and can be dropped while in use", async () => {
  const [template, copy] = ["template", "copy"].map((name) => `${name}_${randomBytes(4).toString("hex")}`) as [
    string,
    string,
  ];
  const templateUrl = await createDatabase(adminUrl, template);
  await withClient(templateUrl, (client) => client.query("CREATE TABLE t AS SELECT 42 AS answer"));
  const copyUrl = await createDatabase(adminUrl, copy, template);
  await withClient(copyUrl, async (client) => {
    expect((await client.query("SELECT answer FROM t")).rows).toEqual([{ answer: 42 }]);
    await dropDatabase(adminUrl, copy);
  }).catch(() => undefined); // its connection was cut
  await dropDatabase(adminUrl, template);
  expect(await databaseExists(adminUrl, copy)).toBe(false);
});

test("a URL that does not work is explained in one line without its password", async () => {
  const change = (part: Partial<Record<"password" | "pathname" | "port", string>>) =>
    Object.assign(new URL(adminUrl), part).toString();
  await expect(checkDatabaseUrl(adminUrl)).resolves.toMatchObject({ version: expect.stringMatching(/^\d+/) });
  await expect(checkDatabaseUrl(change({ pathname: "/no_such_database" }))).rejects.toThrow(/no such database/);
  await expect(checkDatabaseUrl(change({ port: String(await findFreePort()) }))).rejects.toThrow(/connection refused/);
  await expect(checkDatabaseUrl("mysql://root@localhost/x")).rejects.toThrow(/not of the form postgresql:/);
  const error = await checkDatabaseUrl("postgresql://me:hush@no-such-host.invalid/x").catch((reason: Error) => reason);
  expect(String(error)).not.toContain("hush");
});
