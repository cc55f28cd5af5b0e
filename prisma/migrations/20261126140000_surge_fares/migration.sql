-- What each zone charges more while it is short of drivers: the multiplier in force, what it was judged by, and how the
-- zone wants it judged. A zone without a row has the defaults and no surge.
CREATE TABLE zone_surge (
    zone_id             UUID PRIMARY KEY REFERENCES zones (id) ON DELETE CASCADE,
    multiplier          DOUBLE PRECISION NOT NULL DEFAULT 1,
    -- 'up' or 'down' while the readings ask for another multiplier, and since when they do.
    direction           TEXT,
    direction_since     TIMESTAMPTZ(6),
    demand              INTEGER NOT NULL DEFAULT 0,
    supply              INTEGER NOT NULL DEFAULT 0,
    changed_at          TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    computed_at         TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    enabled             BOOLEAN NOT NULL DEFAULT true,
    cap                 DOUBLE PRECISION,
    -- [{below, multiplier}, …]; null: the platform's table.
    steps               JSONB,
    override_multiplier DOUBLE PRECISION,
    override_until      TIMESTAMPTZ(6),
    version             INTEGER NOT NULL DEFAULT 0,
    updated_by_name     TEXT,
    updated_at          TIMESTAMPTZ(6),
    CONSTRAINT surge_is_within_reason CHECK (multiplier BETWEEN 1 AND 5 AND cap BETWEEN 1 AND 5 AND override_multiplier BETWEEN 1 AND 5),
    CONSTRAINT surge_has_a_direction CHECK (direction IN ('up', 'down') AND direction_since IS NOT NULL OR direction IS NULL),
    CONSTRAINT surge_override_ends CHECK ((override_multiplier IS NULL) = (override_until IS NULL))
);

CREATE TABLE zone_surge_history (
    id         UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    zone_id    UUID NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    at         TIMESTAMPTZ(6) NOT NULL,
    multiplier DOUBLE PRECISION NOT NULL,
    demand     INTEGER NOT NULL,
    supply     INTEGER NOT NULL
);
CREATE UNIQUE INDEX zone_surge_history_zone_at_key ON zone_surge_history (zone_id, at);
CREATE INDEX idx_surge_history_at ON zone_surge_history (at);

-- Fares are changed by people too, one after another.
ALTER TABLE trip_fares
    ADD COLUMN version INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN updated_by_name TEXT,
    ADD COLUMN updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;
