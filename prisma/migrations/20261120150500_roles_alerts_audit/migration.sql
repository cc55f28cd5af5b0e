-- Roles that can be edited, business settings, alerts, what people did too often, and an audit log that only grows.

CREATE TABLE roles (
    name        TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    permissions TEXT[] DEFAULT ARRAY[]::TEXT[],
    is_system   BOOLEAN NOT NULL DEFAULT false,
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT roles_permissions_given CHECK (permissions IS NOT NULL),
    CONSTRAINT roles_name_plain CHECK (name ~ '^[a-z][a-z0-9_]{1,39}$')
);
-- `admin` holds every permission there is, also those that come later: the code says so, its list stays empty.
INSERT INTO roles (name, title, is_system, permissions) VALUES
    ('admin', 'Admin', true, '{}'),
    ('dispatcher', 'Dispatcher', true, ARRAY[
        'trips.view', 'drivers.view', 'locks.view', 'jobs.view', 'invariants.view', 'idempotency.view', 'limits.view',
        'alerts.view', 'analytics.view', 'trips.cancel', 'trips.release', 'trips.assign', 'drivers.review',
        'locks.release', 'jobs.retry', 'messages.view', 'alerts.resolve']),
    ('finance', 'Finance', true, ARRAY[
        'trips.view', 'drivers.view', 'locks.view', 'jobs.view', 'invariants.view', 'idempotency.view', 'limits.view',
        'alerts.view', 'analytics.view', 'webhooks.view', 'webhooks.retry', 'payments.view', 'payments.refund',
        'reconciliation.resolve', 'audit.view']),
    ('support', 'Support', true, ARRAY[
        'trips.view', 'drivers.view', 'locks.view', 'jobs.view', 'invariants.view', 'idempotency.view', 'limits.view',
        'alerts.view', 'analytics.view', 'trips.cancel', 'messages.view', 'payments.view']),
    ('viewer', 'Viewer', true, ARRAY['trips.view', 'drivers.view', 'locks.view', 'jobs.view', 'invariants.view']);

ALTER TABLE users ADD COLUMN payment_blocked_until TIMESTAMPTZ(6);
-- A role that somebody has cannot be deleted.
ALTER TABLE users ADD CONSTRAINT users_role_fkey FOREIGN KEY (role) REFERENCES roles (name) ON DELETE RESTRICT ON UPDATE NO ACTION;
CREATE INDEX idx_users_role ON users (role);

ALTER TABLE driver_details ADD COLUMN review_reason TEXT, ADD COLUMN review_since TIMESTAMPTZ(6);
ALTER TABLE driver_details ADD CONSTRAINT driver_under_review_takes_no_trips
    CHECK (NOT (under_review AND availability_status = 'available'));

-- Only keys that were changed; the defaults are in the code.
CREATE TABLE business_settings (
    key             TEXT PRIMARY KEY,
    value           JSONB NOT NULL,
    version         INTEGER NOT NULL DEFAULT 1,
    updated_by      UUID,
    updated_by_name TEXT NOT NULL,
    updated_at      TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Written in the transaction of what it tells of, so that a count over it is exact.
CREATE TABLE conduct_events (
    id      UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    trip_id UUID,
    at      TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT conduct_kind_known CHECK (kind IN ('trip_cancelled', 'trip_dropped', 'payment_failed'))
);
CREATE INDEX idx_conduct_user_kind_at ON conduct_events (user_id, kind, at);
CREATE INDEX idx_conduct_at ON conduct_events (at);

CREATE TABLE alerts (
    id               UUID PRIMARY KEY,
    kind             TEXT NOT NULL,
    severity         TEXT NOT NULL,
    subject_type     TEXT NOT NULL,
    subject_id       TEXT NOT NULL,
    summary          TEXT NOT NULL,
    data             JSONB NOT NULL DEFAULT '{}',
    occurrences      INTEGER NOT NULL DEFAULT 1,
    first_at         TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_at          TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    resolved_at      TIMESTAMPTZ(6),
    resolved_by      UUID,
    resolved_by_name TEXT,
    resolution       TEXT,
    CONSTRAINT alert_severity_known CHECK (severity IN ('info', 'warning', 'critical')),
    CONSTRAINT alert_resolved_by_somebody CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
-- The same trouble again is the same alert, counted, until somebody resolves it.
CREATE UNIQUE INDEX one_open_alert_per_subject ON alerts (kind, subject_type, subject_id) WHERE resolved_at IS NULL;
CREATE INDEX idx_alerts_open ON alerts (id DESC) WHERE resolved_at IS NULL;
CREATE INDEX idx_alerts_resolved ON alerts (resolved_at) WHERE resolved_at IS NOT NULL;

CREATE INDEX idx_activity_actor ON activity_logs (actor_id, id DESC);
CREATE INDEX idx_activity_action ON activity_logs (action, id DESC);

-- The audit log only grows. ALWAYS: also under session_replication_role = replica.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'activity_logs only grows: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER activity_logs_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON activity_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
ALTER TABLE activity_logs ENABLE ALWAYS TRIGGER activity_logs_only_grow;
