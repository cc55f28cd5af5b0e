import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterAll(() => t.dispose());

// A client that is checked out has no listener of the pool's: the event ended the process.
test("a connection that breaks between two statements of a transaction fails that transaction, not the process", async () => {
  const broken = t.app.db.transaction(async (tx) => {
    const { rows } = await tx.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await t.app.db.pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await delay(100);
    await tx.query("SELECT 1");
  });
  await expect(broken).rejects.toThrow(/terminat|not queryable/i);
  expect(await t.app.db.transaction(async (tx) => (await tx.query("SELECT 1 AS one")).rows)).toEqual([{ one: 1 }]);
});

test("a transaction that fails leaves nothing, and gives its connection back", async () => {
  const id = await t.make.customer();
  const failing = t.app.db.transaction(async (tx) => {
    await tx.query("UPDATE users SET first_name = 'Changed' WHERE id = $1", [id]);
    await tx.query("SELECT nonsense");
  });
  await expect(failing).rejects.toMatchObject({ code: "42703" });
  expect(await t.value("SELECT first_name FROM users WHERE id = $1", [id])).toBe("Test");
  expect(t.app.db.pool.idleCount).toBe(t.app.db.pool.totalCount);
});

test("a serialisation failure is tried again, with the work repeated", async () => {
  let tries = 0;
  await t.app.db.transaction(async (tx) => {
    tries++;
    if (tries < 3) await tx.query("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
  });
  expect(tries).toBe(3);
});
