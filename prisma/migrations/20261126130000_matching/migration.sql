-- How each zone looks for drivers. A key that is not there is the platform's default.
CREATE TABLE zone_matching_settings (
    zone_id         UUID PRIMARY KEY REFERENCES zones (id) ON DELETE CASCADE,
    settings        JSONB NOT NULL DEFAULT '{}',
    version         INTEGER NOT NULL DEFAULT 1,
    updated_by      UUID,
    updated_by_name TEXT NOT NULL,
    updated_at      TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT matching_settings_are_an_object CHECK (jsonb_typeof(settings) = 'object')
);

-- When the search began: at the request, at a release, or when a scheduled trip came due. Null on older rows: at the request.
ALTER TABLE trip_requests
    ADD COLUMN search_began_at TIMESTAMPTZ(6),
    ADD COLUMN scheduled_at TIMESTAMPTZ(6),
    -- The batch that made offers last: a repeated job of the same batch, looking at the locked row, makes no others.
    ADD COLUMN offered_batch INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN bidding BOOLEAN NOT NULL DEFAULT false,
    -- Minor units: what rider and driver agreed on. Set by the very statement that gives the driver the trip.
    ADD COLUMN agreed_fare INTEGER;

-- Why this driver, and why first: seconds, and the score's parts. `slot`: the place on the driver's screen.
ALTER TABLE trip_offers
    ADD COLUMN slot SMALLINT NOT NULL DEFAULT 1,
    ADD COLUMN eta_seconds INTEGER,
    ADD COLUMN score_seconds INTEGER,
    ADD COLUMN score_parts JSONB;
UPDATE trip_offers o SET status = 'revoked', reason = 'another offer was on the screen', ended_at = now()
FROM (SELECT id, row_number() OVER (PARTITION BY driver_id ORDER BY offered_at, id) AS place
      FROM trip_offers WHERE status = 'open') twice
WHERE o.id = twice.id AND twice.place > 1;
-- The promise: no driver has more offers on screen than places, whatever two dispatch jobs do at the same moment.
CREATE UNIQUE INDEX one_open_offer_per_driver_and_slot ON trip_offers (driver_id, slot) WHERE status = 'open';
DROP INDEX idx_offers_driver_open;

-- What drivers did with what they were asked; each counts half after two weeks. `as_of`: until when it is counted down.
CREATE TABLE driver_stats (
    driver_id UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    accepted  DOUBLE PRECISION NOT NULL DEFAULT 0,
    declined  DOUBLE PRECISION NOT NULL DEFAULT 0,
    ignored   DOUBLE PRECISION NOT NULL DEFAULT 0,
    dropped   DOUBLE PRECISION NOT NULL DEFAULT 0,
    as_of     TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- One row a batch: how far was looked, who was asked, and who near was not and by which rule.
CREATE TABLE dispatch_batches (
    id              UUID PRIMARY KEY,
    trip_request_id UUID NOT NULL REFERENCES trip_requests (id) ON DELETE CASCADE,
    search_began_at TIMESTAMPTZ(6) NOT NULL,
    batch           INTEGER NOT NULL,
    -- Times the batch looked: one that finds nobody looks again.
    looks           INTEGER NOT NULL DEFAULT 1,
    radius_meters   INTEGER NOT NULL,
    asked           INTEGER NOT NULL,
    -- 'index' or 'database': who named the candidates.
    source          TEXT NOT NULL,
    -- [{driverId, rule, meters, …}], nearest first.
    excluded        JSONB NOT NULL DEFAULT '[]',
    -- {rule: how many} of all that were looked at.
    rules           JSONB NOT NULL DEFAULT '{}',
    took_ms         INTEGER NOT NULL,
    at              TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX dispatch_batches_search_batch_key ON dispatch_batches (trip_request_id, search_began_at, batch);
CREATE INDEX idx_dispatch_batches_at ON dispatch_batches (at);

-- Minor units of the trip's currency.
CREATE TABLE fare_biddings (
    id              UUID PRIMARY KEY,
    trip_request_id UUID NOT NULL REFERENCES trip_requests (id) ON DELETE CASCADE,
    driver_id       UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    bid_fare        INTEGER NOT NULL,
    status          TEXT NOT NULL DEFAULT 'open',
    reason          TEXT,
    created_at      TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    ended_at        TIMESTAMPTZ(6),
    CONSTRAINT bid_status_known CHECK (status IN ('open', 'accepted', 'replaced', 'closed')),
    CONSTRAINT bid_positive CHECK (bid_fare > 0)
);
CREATE INDEX idx_biddings_trip ON fare_biddings (trip_request_id, created_at);
CREATE UNIQUE INDEX one_open_bid_per_trip_and_driver ON fare_biddings (trip_request_id, driver_id) WHERE status = 'open';
CREATE UNIQUE INDEX one_accepted_bid_per_trip ON fare_biddings (trip_request_id) WHERE status = 'accepted';
CREATE INDEX idx_biddings_driver_open ON fare_biddings (driver_id) WHERE status = 'open';
