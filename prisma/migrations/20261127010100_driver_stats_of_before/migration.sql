-- What drivers did before their answers were counted (migration 20261126130000_matching), so that those who have driven long
-- do not stand there as if nobody knew them. From what is kept of it; each counts half after two weeks, as everywhere.
DO $$
DECLARE
  counted_since timestamptz := now();
BEGIN
  IF to_regclass('_prisma_migrations') IS NOT NULL THEN
    EXECUTE 'SELECT coalesce(max(finished_at), now()) FROM _prisma_migrations WHERE migration_name = ''20261126130000_matching'''
      INTO counted_since;
  END IF;
  INSERT INTO driver_stats AS s (driver_id, accepted, declined, ignored, dropped)
  SELECT driver_id, coalesce(sum(weight) FILTER (WHERE outcome = 'accepted'), 0), coalesce(sum(weight) FILTER (WHERE outcome = 'declined'), 0),
    coalesce(sum(weight) FILTER (WHERE outcome = 'ignored'), 0), coalesce(sum(weight) FILTER (WHERE outcome = 'dropped'), 0)
  FROM (
    SELECT driver_id, outcome, exp(-0.693147 * EXTRACT(EPOCH FROM now() - at) / (14 * 86400)) AS weight
    FROM (
      SELECT actor_id AS driver_id, 'accepted' AS outcome, at FROM trip_events WHERE kind = 'trip.accepted' AND actor_type = 'driver'
      UNION ALL
      SELECT user_id, 'dropped', at FROM conduct_events WHERE kind = 'trip_dropped'
      UNION ALL
      SELECT driver_id, CASE status WHEN 'rejected' THEN 'declined' ELSE 'ignored' END, ended_at FROM trip_offers
      WHERE status IN ('rejected', 'expired')
    ) done
    WHERE at < counted_since AND at > now() - interval '90 days'
  ) weighed
  JOIN driver_details d ON d.user_id = weighed.driver_id
  GROUP BY driver_id
  ON CONFLICT (driver_id) DO UPDATE SET
    accepted = s.accepted * exp(-0.693147 * GREATEST(0, EXTRACT(EPOCH FROM now() - s.as_of)) / (14 * 86400)) + EXCLUDED.accepted,
    declined = s.declined * exp(-0.693147 * GREATEST(0, EXTRACT(EPOCH FROM now() - s.as_of)) / (14 * 86400)) + EXCLUDED.declined,
    ignored = s.ignored * exp(-0.693147 * GREATEST(0, EXTRACT(EPOCH FROM now() - s.as_of)) / (14 * 86400)) + EXCLUDED.ignored,
    dropped = s.dropped * exp(-0.693147 * GREATEST(0, EXTRACT(EPOCH FROM now() - s.as_of)) / (14 * 86400)) + EXCLUDED.dropped,
    as_of = now();
END $$;
