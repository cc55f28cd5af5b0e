import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rotateKeys } from "#server/domain/secrets/rotate-keys.ts";
import { Cipher } from "#server/platform/cipher.ts";
import type { Queryable } from "#server/platform/db.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

const [old, fresh] = ["k1", "k2"].map((id) => ({ id, key: randomBytes(32) })) as [never, never];
const [before, both, after] = [new Cipher([old]), new Cipher([fresh, old]), new Cipher([fresh])];
const cellOf = (rowId: string) => ({ table: "driver_details", column: "licence_number", rowId }) as const;
const ROWS = 120;
let t: TestApp;
let drivers: string[];

beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  drivers = await t.make.drivers(ROWS);
});
afterAll(() => t.dispose());

const write = (id: string, text: string, cipher: Cipher) =>
  t.rows("UPDATE driver_details SET licence_number = $2 WHERE user_id = $1", [id, cipher.encrypt(text, cellOf(id))]);
const read = async (id: string, cipher: Cipher) =>
  cipher.decrypt(await t.value("SELECT licence_number FROM driver_details WHERE user_id = $1", [id]), cellOf(id));
const total = async (db: Queryable = t.app.db.pool, batch = 7) =>
  (await rotateKeys(db, both, batch)).reduce((sum, { rotated }) => sum + rotated, 0);
const reset = () => Promise.all(drivers.map((id) => write(id, `LIC ${id}`, before)));

test("everything comes under the current key, while others read and write; twice it does nothing", async () => {
  await reset();
  const changed = drivers.filter((_, i) => i % 3 === 0);
  let running = true;
  const reading = (async () => {
    for (let i = 0; running; i++) {
      const id = drivers[i % ROWS] as string;
      expect(await read(id, both)).toMatch(new RegExp(`^(LIC|NEW) ${id}$`));
    }
  })();
  // A process that still has the old ring writes under the old key; one with the new ring under the new one.
  const writing = Promise.all(changed.map((id, i) => write(id, `NEW ${id}`, i % 2 === 0 ? both : before)));
  await Promise.all([total(), writing]);
  running = false;
  await reading;
  await total();
  for (const id of drivers) expect(await read(id, after)).toBe(`${changed.includes(id) ? "NEW" : "LIC"} ${id}`);
  expect(await total()).toBe(0);
});

test("stopped half-way it goes on where it was", async () => {
  await reset();
  let updates = 0;
  const dying = {
    query: (text: string, values: unknown[]) => {
      if (text.startsWith("UPDATE") && ++updates > 40) throw new Error("killed");
      return t.app.db.pool.query(text, values);
    },
  } as unknown as Queryable;
  await expect(total(dying)).rejects.toThrow("killed");
  expect(await total()).toBe(ROWS - 40);
});

test("without the old key it stops, and loses nothing", async () => {
  await reset();
  await expect(rotateKeys(t.app.db.pool, after)).rejects.toThrow('under "k1"');
  expect(await read(drivers[0] as string, before)).toBe(`LIC ${drivers[0]}`);
});

test("mutation: written without looking, a change made meanwhile is lost", async () => {
  await reset();
  const [id] = drivers as [string];
  const blind = (guarded: boolean) =>
    ({
      query: async (text: string, values: unknown[]) => {
        if (!text.startsWith("UPDATE")) return t.app.db.pool.query(text, values);
        if (values[0] === id) await write(id, "NEW", both);
        const changed = guarded ? text : text.replace("AND licence_number = $2", "AND $2::text IS NOT NULL");
        return t.app.db.pool.query(changed, values);
      },
    }) as unknown as Queryable;
  await total(blind(true));
  expect(await read(id, after)).toBe("NEW");
  await reset();
  await total(blind(false));
  expect(await read(id, after)).toBe(`LIC ${id}`);
});
