import { afterAll, beforeAll, expect, test } from "vitest";
import { addressSubject, personSubject } from "#server/domain/limits/limit-subject.ts";
import { ViolationLog } from "#server/domain/limits/violation-log.ts";
import { listViolations } from "#server/domain/limits/violation-store.ts";
import type { Logger } from "#server/platform/logger.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterAll(() => t.dispose());

const all = { scopes: null, q: null, cursor: null, limit: 10 } as const;
const minute = new Date("2026-11-20T12:00:30Z");
const later = (seconds: number) => new Date(minute.getTime() + seconds * 1000);

test("what several processes saw of one minute is one row; each says it once for each window", async () => {
  const driver = await t.make.driver();
  const lines: unknown[] = [];
  const logger = { warn: (line: unknown) => void lines.push(line) } as unknown as Logger;
  const logs = [new ViolationLog({ db: t.app.db, logger }), new ViolationLog({ db: t.app.db, logger })];
  const note = (log: ViolationLog, at: Date) =>
    log.note({ scope: "trip.accept", subject: personSubject({ id: driver }), at, untilMs: minute.getTime() + 60_000 });
  for (const log of logs) {
    for (let n = 0; n < 10; n++) note(log, later(n));
    await log.drain();
  }
  expect(lines).toHaveLength(2);
  const { items } = await listViolations(t.app.db.pool, all);
  expect(items).toEqual([
    {
      id: expect.any(String),
      scope: "trip.accept",
      subject: driver,
      person: { id: driver, name: "Test driver", type: "driver" },
      count: 20,
      firstAt: minute.toISOString(),
      lastAt: later(9).toISOString(),
    },
  ]);
  // The next window is said, and kept, anew.
  note(logs[0] as ViolationLog, later(61));
  await logs[0]?.drain();
  expect(lines).toHaveLength(3);
  expect((await listViolations(t.app.db.pool, all)).items.map(({ count }) => count)).toEqual([1, 20]);
});

test("found by scope, by the start of an address or of a name; page by page", async () => {
  const log = new ViolationLog({ db: t.app.db, logger: t.app.logger });
  for (let n = 1; n <= 5; n++)
    log.note({ scope: "public", subject: addressSubject(`203.0.113.${n}`), at: minute, untilMs: later(60).getTime() });
  await log.drain();
  const list = (more: object) => listViolations(t.app.db.pool, { ...all, ...more });
  expect((await list({ scopes: ["public"] })).items).toHaveLength(5);
  expect((await list({ q: "203.0.113.4" })).items.map(({ subject }) => subject)).toEqual(["203.0.113.4"]);
  expect((await list({ q: "test dr" })).items.map(({ scope }) => scope)).toEqual(["trip.accept", "trip.accept"]);
  const first = await list({ scopes: ["public"], limit: 3 });
  const second = await list({ scopes: ["public"], limit: 3, cursor: first.nextCursor });
  expect([...first.items, ...second.items].map(({ subject }) => subject)).toEqual(
    [5, 4, 3, 2, 1].map((n) => `203.0.113.${n}`),
  );
  expect(second.nextCursor).toBeNull();
});

test("without the database nothing is kept in memory for ever, and nobody waits", async () => {
  const db = { pool: { query: () => Promise.reject(new Error("away")) } } as never;
  const lines: { lost?: number }[] = [];
  const log = new ViolationLog({ db, logger: { warn: (line: object) => void lines.push(line) } as never });
  log.note({ scope: "public", subject: addressSubject("203.0.113.1"), at: minute, untilMs: later(60).getTime() });
  await log.drain();
  expect(lines.at(-1)).toMatchObject({ lost: 1 });
});
