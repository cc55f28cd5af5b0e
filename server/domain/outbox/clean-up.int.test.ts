import { expect, test } from "vitest";
import { cleanUp } from "#server/domain/outbox/relay-store.ts";
import { createTestApp } from "#server/testing/harness.ts";

test("what has served its time goes, in more than one batch; what has not stays", async () => {
  const t = await createTestApp({ coordination: "standalone" });
  await t.rows(`INSERT INTO outbox (id, topic, payload, completed_at)
    SELECT gen_random_uuid(), 'clean-up', '{}', now() - interval '8 days' FROM generate_series(1, 5001)`);
  await t.rows(`INSERT INTO outbox (id, topic, payload, completed_at, created_at) VALUES
    (gen_random_uuid(), 'clean-up', '{}', now() - interval '6 days', now() - interval '60 days'),
    (gen_random_uuid(), 'clean-up', '{}', NULL, now() - interval '60 days')`);
  await t.rows(`INSERT INTO recorded_messages (id, channel, recipient, body, dedupe_key, created_at) VALUES
    (gen_random_uuid(), 'sms', '+20', 'old', 'a', now() - interval '8 days'), (gen_random_uuid(), 'sms', '+20', 'new', 'b', now())`);
  await t.rows(`INSERT INTO rate_limit_violations (id, scope, subject_key, subject, minute, count, first_at, last_at)
    SELECT gen_random_uuid(), 'public', d::text, 'x', now() - d * interval '1 day', 1, now(), now() FROM unnest('{1,29,31,300}'::int[]) d`);
  expect(await cleanUp(t.app.db.pool)).toEqual({
    outbox: 5001,
    otp_verifications: 0,
    idempotency_keys: 0,
    recorded_messages: 1,
    rate_limit_violations: 2,
  });
  expect(await t.value("SELECT count(*)::int FROM outbox")).toBe(2);
  expect(await t.value("SELECT body FROM recorded_messages")).toBe("new");
  await t.dispose();
});
