import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { logActivity } from "#server/domain/ops/activity-log.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const log = (more: Partial<Parameters<typeof logActivity>[1]> = {}) =>
  logActivity(t.app.db.pool, {
    actor: { id: newId(), name: "Mona" },
    action: "trip.cancel",
    subject: { type: "trip", id: newId() },
    reason: "a test",
    ip: null,
    requestId: null,
    ...more,
  });

describe("the audit log only grows", () => {
  const attempts = [
    "UPDATE activity_logs SET reason = 'another'",
    "DELETE FROM activity_logs",
    "DELETE FROM activity_logs WHERE false",
    "TRUNCATE activity_logs",
    "MERGE INTO activity_logs l USING (SELECT 1) one ON true WHEN MATCHED THEN DELETE",
    "INSERT INTO activity_logs SELECT * FROM activity_logs ON CONFLICT (id) DO UPDATE SET reason = 'another'",
  ];
  test.each(attempts)("%s", async (sql) => {
    await log();
    const before = await t.rows("SELECT * FROM activity_logs");
    await expect(t.rows(sql)).rejects.toThrow("activity_logs only grows");
    // As a replica applies changes, when ordinary triggers sleep.
    await expect(
      t.app.db.transaction(async (tx) => {
        await tx.query("SET LOCAL session_replication_role = replica");
        await tx.query(sql);
      }),
    ).rejects.toThrow("activity_logs only grows");
    expect(await t.rows("SELECT * FROM activity_logs")).toEqual(before);
  });

  test("mutation: without the trigger each of them goes through", async () => {
    await t.rows("ALTER TABLE activity_logs DISABLE TRIGGER activity_logs_only_grow");
    for (const sql of attempts) await expect(t.rows(sql)).resolves.toBeDefined();
  });
});

describe("the room", () => {
  const names = async () =>
    (await call(`${await t.listen()}/api/trpc/audit.names`, { token: await admin(), method: "GET" })).body;
  const admin = async () => t.operatorToken(await t.make.operator());
  const list = async (filter: object) => {
    const input = encodeURIComponent(JSON.stringify({ json: filter }));
    const answer = await call(`${await t.listen()}/api/trpc/audit.list?input=${input}`, {
      token: await admin(),
      method: "GET",
    });
    expect(answer.status, answer.text).toBe(200);
    const { result } = answer.body as {
      result: { data: { json: { items: { action: string }[]; nextCursor: string } } };
    };
    return result.data.json;
  };

  test("filters by person, action, subject and time, newest first, page by page", async () => {
    const [person, trip] = [newId(), newId()];
    await log({ action: "a.one" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const from = new Date().toISOString();
    await log({ action: "a.two", actor: { id: person, name: "Karim" } });
    await log({ action: "a.three", subject: { type: "trip", id: trip } });
    const actions = async (filter: object) => (await list(filter)).items.map(({ action }) => action);
    expect(await actions({})).toEqual(["a.three", "a.two", "a.one"]);
    expect(await actions({ actorId: person })).toEqual(["a.two"]);
    expect(await actions({ action: "a.one" })).toEqual(["a.one"]);
    expect(await actions({ subjectType: "trip", subjectId: trip })).toEqual(["a.three"]);
    expect(await actions({ from })).toEqual(["a.three", "a.two"]);
    expect(await actions({ to: from })).toEqual(["a.one"]);
    const { nextCursor } = await list({ limit: 2 });
    expect(await actions({ limit: 2, cursor: nextCursor })).toEqual(["a.one"]);
    expect(JSON.stringify(await names())).toContain('"actions":["a.one","a.three","a.two"]');
  });
});

describe("the export", () => {
  const get = async (query: string, role = "admin") =>
    fetch(`${await t.listen()}/api/ops/audit/export?${query}`, {
      headers: { authorization: `Bearer ${await t.operatorToken(await t.make.operator(role))}` },
    });
  const fill = (rows: number) =>
    t.rows(
      `INSERT INTO activity_logs (id, actor_name, action, subject_type, subject_id, before, after, reason)
       SELECT id, '=HYPERLINK("http://evil")', 'trip.cancel', 'trip', '+1', '{"a": 1}', '{"a": 2}', 'two
lines, "quoted"' FROM unnest($1::uuid[]) AS l(id)`,
      [Array.from({ length: rows }, newId)],
    );

  test("50,000 rows as CSV and as JSON Lines: all of them, once, in pieces, and no formula", async () => {
    await fill(50_000);
    for (const format of ["csv", "jsonl"]) {
      const answer = await get(`format=${format}&action=trip.cancel`);
      expect(answer.headers.get("content-disposition")).toMatch(
        new RegExp(`^attachment; filename="audit-[\\dT-]+Z\\.${format}"$`),
      );
      let pieces = 0;
      let text = "";
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      const reader = answer.body?.getReader();
      for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
        pieces++;
        text += decoder.decode(read.value, { stream: true });
      }
      expect(pieces).toBeGreaterThan(10);
      if (format === "jsonl") {
        const rows = text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as { id: string });
        expect(new Set(rows.map(({ id }) => id)).size).toBe(50_000);
        expect(rows[0]).toMatchObject({ actor: { name: '=HYPERLINK("http://evil")' }, after: { a: 2 } });
      } else {
        const rows = text.split("\r\n");
        expect(rows).toHaveLength(50_002);
        expect(rows[0]).toBe(
          "\uFEFFtime,person,person id,action,subject type,subject id,reason,before,after,ip,request id,id",
        );
        expect(rows[1]).toContain(
          `"'=HYPERLINK(""http://evil"")",,trip.cancel,trip,'+1,"two\nlines, ""quoted""","{""a"":1}"`,
        );
        expect(text).not.toMatch(/(^|,|\r\n)"?[=+@]/);
      }
    }
  });

  test("is in the log itself, needs audit.view, and refuses what it does not know", async () => {
    await fill(3);
    expect((await get("format=csv", "dispatcher")).status).toBe(403);
    expect((await fetch(`${await t.listen()}/api/ops/audit/export?format=csv`)).status).toBe(401);
    expect((await get("format=xml")).status).toBe(400);
    expect((await get("format=csv&role=admin")).status).toBe(400);
    expect((await get("format=csv&actorId=1")).status).toBe(400);
    expect(await t.value("SELECT count(*)::int FROM activity_logs WHERE action = 'audit.export'")).toBe(0);
    expect((await get("format=jsonl", "finance")).status).toBe(200);
    expect(await t.rows("SELECT actor_name, subject_id FROM activity_logs WHERE action = 'audit.export'")).toEqual([
      { actor_name: "Test", subject_id: "jsonl" },
    ]);
  });

  test("goes through the same guard as every procedure: limits, a security line, a count, a log line for what fails", async () => {
    const lines: { security?: string; procedure?: string; msg?: string }[] = [];
    const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const peer = await createTestApp({ peerOf: t, limits: "on", overrides: { logger } });
    try {
      const to = `${await peer.listen()}/api/ops/audit/export`;
      const as = async (role: string) => ({
        authorization: `Bearer ${await t.operatorToken(await t.make.operator(role))}`,
      });
      expect((await fetch(`${to}?format=csv`, { headers: await as("dispatcher") })).status).toBe(403);
      expect(lines).toContainEqual(expect.objectContaining({ security: "FORBIDDEN", procedure: "audit.export" }));
      const headers = await as("admin");
      const answer = await fetch(`${to}?format=csv`, { headers });
      expect([answer.status, answer.headers.get("ratelimit-policy")]).toEqual([200, expect.stringMatching(/^"admin"/)]);
      await answer.text();
      const counted = await peer.app.metrics.registry.metrics();
      for (const status of [200, 403])
        expect(counted).toMatch(new RegExp(`route="/api/ops/audit/export",status="${status}"`));
      await t.rows("ALTER TABLE activity_logs ADD CONSTRAINT none CHECK (false) NOT VALID");
      const failed = await fetch(`${to}?format=csv`, { headers });
      await t.rows("ALTER TABLE activity_logs DROP CONSTRAINT none");
      expect(failed.status).toBe(500);
      expect(lines.map(({ msg }) => msg)).toContain("unexpected error");
    } finally {
      await peer.dispose();
    }
  });

  test("of more than 100,000 rows is refused before it begins", async () => {
    for (let n = 0; n < 5; n++) await fill(20_001);
    const answer = await get("format=csv");
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("Narrow the filter")]);
  });
});
