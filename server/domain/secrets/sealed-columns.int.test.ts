import { afterAll, beforeAll, expect, test } from "vitest";
import { SEALED_COLUMNS } from "#server/contracts/sealed-columns.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterAll(() => t.dispose());

const LISTED = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort();

/** Every column of the database, whatever its type, in which a value of the cipher's stands. */
async function sealedInTheDatabase(): Promise<string[]> {
  const columns = await t.rows<{ table_name: string; column_name: string }>(
    `SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables b USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND b.table_type = 'BASE TABLE'`,
  );
  const found: string[] = [];
  for (const { table_name: table, column_name: column } of columns) {
    const rows = await t.rows(`SELECT 1 FROM "${table}" WHERE "${column}"::text ~ '(^|")enc\\.[\\w-]+\\.' LIMIT 1`);
    if (rows.length > 0) found.push(`${table}.${column}`);
  }
  return found.sort();
}

test("each listed column is there, and its key is its table's", async () => {
  for (const { table, column, id } of SEALED_COLUMNS) {
    const keys = await t.rows<{ name: string }>(
      `SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
       WHERE i.indrelid = $1::regclass AND i.indisprimary`,
      [table],
    );
    expect(keys, table).toEqual([{ name: id }]);
    expect(await t.rows(`SELECT ${column} FROM ${table} LIMIT 0`), `${table}.${column}`).toEqual([]);
  }
});

test("what the platform seals stands in listed columns, in all of them, and nowhere else; mutation: elsewhere it is found", async () => {
  const { identity, signing } = t.app;
  const phone = "+201100000791";
  const wish = {
    type: "driver",
    phone,
    password: "purple elephant drives",
    firstName: "Sara",
    lastName: "Sealed",
  } as const;
  const documents = { licenceNumber: "LIC-7001", identityNumber: "29801011234567" };
  const id = await identity.registrations.begin({ ...wish, ...documents });
  const codeId = await t.value<string>("SELECT id FROM otp_verifications WHERE subject = $1", [id]);
  const code = (await identity.codes.find(codeId))?.code ?? "";
  const driver = await identity.registrations.finish(id, code);
  await identity.registrations.begin({ ...wish, ...documents, phone: "+201100000792" });
  const operator = await t.make.operator();
  await identity.secondFactor.begin(operator, "Test", async () => undefined);
  const session = await identity.sessions.openConsole(driver, { ip: null, device: null }, 60);
  await signing.issue({ id: driver.id, sessionId: session }, "a phone");
  expect(await sealedInTheDatabase()).toEqual(LISTED);

  const cell = { table: "registrations", column: "details", rowId: operator } as const;
  await t.rows("UPDATE users SET fcm_token = $2 WHERE id = $1", [operator, t.app.cipher.encrypt("forgotten", cell)]);
  expect(await sealedInTheDatabase()).toEqual([...LISTED, "users.fcm_token"].sort());
});
