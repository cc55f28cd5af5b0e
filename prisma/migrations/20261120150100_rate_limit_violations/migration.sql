-- Refused calls, one row for each scope, subject and minute.
CREATE TABLE rate_limit_violations (
  id uuid PRIMARY KEY,
  scope text NOT NULL,
  subject_key text NOT NULL,
  subject text NOT NULL,
  user_id uuid,
  minute timestamptz(6) NOT NULL,
  count integer NOT NULL,
  first_at timestamptz(6) NOT NULL,
  last_at timestamptz(6) NOT NULL
);
CREATE UNIQUE INDEX rate_limit_violations_minute_key ON rate_limit_violations (minute, scope, subject_key);
CREATE INDEX idx_rate_limit_violations_scope ON rate_limit_violations (scope, id DESC);
