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
  await t.rows(`INSERT INTO webhook_events (id, gateway, event_key, payload, raw_body, headers, kind, raw_type, amount_is_signed, job_id, ip, request_id, received_at)
    SELECT gen_random_uuid(), 'stripe', days::text, '{}', '{}', '{"user-agent":"x"}', 'captured', 'x', true, gen_random_uuid(), '::1', 'r',
      now() - make_interval(days => days) FROM unnest('{89,91}'::int[]) AS d(days)`);
  await t.rows(`INSERT INTO signing_keys (id, user_id, device, secret) VALUES (gen_random_uuid(), $1, 'phone', 'x')`, [
    await t.make.driver(),
  ]);
  await t.rows(`INSERT INTO request_nonces (id, key_id, nonce, expires_at)
    SELECT gen_random_uuid(), id, d::text, now() + d * interval '1 minute' FROM signing_keys, unnest('{-1,1}'::int[]) d`);
  expect(await cleanUp(t.app.db.pool)).toEqual({
    outbox: 5001,
    conduct_events: 0,
    dispatch_batches: 0,
    alerts: 0,
    otp_verifications: 0,
    sessions: 0,
    refresh_tokens: 0,
    sign_in_failures: 0,
    registrations: 0,
    idempotency_keys: 0,
    recorded_messages: 1,
    rate_limit_violations: 2,
    request_nonces: 1,
    webhook_bodies: 1,
  });
  expect(
    await t.rows(
      "SELECT event_key, kind, raw_body IS NULL AND payload IS NULL AND ip IS NULL AS forgotten FROM webhook_events ORDER BY 1",
    ),
  ).toEqual([
    { event_key: "89", kind: "captured", forgotten: false },
    { event_key: "91", kind: "captured", forgotten: true },
  ]);
  expect(await t.value("SELECT count(*)::int FROM outbox")).toBe(2);
  expect(await t.value("SELECT body FROM recorded_messages")).toBe("new");
  await t.dispose();
});
