-- Where drivers were, a partition a day: what is old goes by dropping a table. The default partition takes whatever no day
-- has been made for yet, so that no position is ever refused.
CREATE TABLE location_history (
    id              UUID NOT NULL DEFAULT gen_random_uuid(),
    user_id         UUID NOT NULL,
    trip_request_id UUID,
    location        point NOT NULL,
    heading         DOUBLE PRECISION,
    speed           DOUBLE PRECISION,
    accuracy        DOUBLE PRECISION,
    recorded_at     TIMESTAMPTZ(6) NOT NULL,
    PRIMARY KEY (id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX idx_history_user ON location_history (user_id, recorded_at);
CREATE INDEX idx_history_trip ON location_history (trip_request_id, recorded_at);
CREATE TABLE location_history_default PARTITION OF location_history DEFAULT;
