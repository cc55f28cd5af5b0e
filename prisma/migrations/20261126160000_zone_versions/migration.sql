-- Zones are changed by people, one after another.
ALTER TABLE zones
    ADD COLUMN version INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN updated_by_name TEXT;
