-- The core: people, vehicles, zones, trips, offers, events, and the tables that make every effect happen once.
-- Names are those of the platform this one replaces. Geometry is core PostgreSQL: point(lng, lat), polygon.
-- What Prisma's schema cannot say (partial unique indexes, checks, GiST) is said here and only here.

CREATE TABLE users (
    id            UUID PRIMARY KEY,
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    email         TEXT,
    phone         TEXT,
    password_hash TEXT,
    user_type     TEXT NOT NULL,
    role          TEXT,
    fcm_token     TEXT,
    is_active     BOOLEAN NOT NULL DEFAULT true,
    token_version INTEGER NOT NULL DEFAULT 0,
    created_at    TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at    TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    deleted_at    TIMESTAMPTZ(6),
    CONSTRAINT users_type_known CHECK (user_type IN ('customer', 'driver', 'operator')),
    CONSTRAINT users_operator_has_role CHECK ((user_type = 'operator') = (role IS NOT NULL)),
    CONSTRAINT users_reachable CHECK (email IS NOT NULL OR phone IS NOT NULL)
);
CREATE UNIQUE INDEX users_email_key ON users (email);
CREATE UNIQUE INDEX users_phone_key ON users (phone);
CREATE INDEX idx_users_type_created ON users (user_type, created_at);

CREATE TABLE vehicle_categories (
    id         UUID PRIMARY KEY,
    code       TEXT NOT NULL,
    name       TEXT NOT NULL,
    is_active  BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX vehicle_categories_code_key ON vehicle_categories (code);

CREATE TABLE driver_details (
    user_id             UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    is_online           BOOLEAN NOT NULL DEFAULT false,
    availability_status TEXT NOT NULL DEFAULT 'unavailable',
    availability_since  TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    under_review        BOOLEAN NOT NULL DEFAULT false,
    updated_at          TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT driver_availability_known
        CHECK (availability_status IN ('available', 'unavailable', 'on_trip', 'on_bidding'))
) WITH (fillfactor = 80);
-- Deliberately no index on availability_status or is_online: an accept then updates the row in place (HOT).
-- The rooms that filter on them read a few thousand narrow rows.

CREATE TABLE vehicles (
    id                    UUID PRIMARY KEY,
    driver_id             UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    category_id           UUID NOT NULL REFERENCES vehicle_categories (id) ON DELETE RESTRICT,
    licence_plate_number  TEXT NOT NULL,
    model                 TEXT NOT NULL,
    is_active             BOOLEAN NOT NULL DEFAULT true,
    created_at            TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at            TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX vehicles_licence_plate_number_key ON vehicles (licence_plate_number);
CREATE INDEX idx_vehicles_driver_active ON vehicles (driver_id, is_active);
CREATE INDEX idx_vehicles_category ON vehicles (category_id);
-- The engine assigns "the driver's vehicle": there must be one answer.
CREATE UNIQUE INDEX one_active_vehicle_per_driver ON vehicles (driver_id) WHERE is_active;

CREATE TABLE zones (
    id         UUID PRIMARY KEY,
    code       TEXT NOT NULL,
    name       TEXT NOT NULL,
    is_active  BOOLEAN NOT NULL DEFAULT true,
    priority   INTEGER NOT NULL DEFAULT 0,
    currency   TEXT NOT NULL DEFAULT 'EGP',
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX zones_code_key ON zones (code);

-- A zone is its parts less their holes.
CREATE TABLE zone_areas (
    id      UUID PRIMARY KEY,
    zone_id UUID NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    part    INTEGER NOT NULL,
    is_hole BOOLEAN NOT NULL DEFAULT false,
    area    polygon NOT NULL
);
CREATE INDEX idx_zone_areas_zone ON zone_areas (zone_id, part);
-- `polygon @> point` has no index support of its own: the bounding box finds the candidates, `@>` decides.
CREATE INDEX idx_zone_areas_box ON zone_areas USING gist (box(area));

-- Minor units. zone_id NULL is the fare where a zone has none of its own.
CREATE TABLE trip_fares (
    id             UUID PRIMARY KEY,
    zone_id        UUID REFERENCES zones (id) ON DELETE CASCADE,
    category_id    UUID NOT NULL REFERENCES vehicle_categories (id) ON DELETE CASCADE,
    base_fare      INTEGER NOT NULL,
    fare_per_km    INTEGER NOT NULL,
    fare_per_min   INTEGER NOT NULL,
    minimum_fare   INTEGER NOT NULL,
    CONSTRAINT trip_fares_not_negative
        CHECK (base_fare >= 0 AND fare_per_km >= 0 AND fare_per_min >= 0 AND minimum_fare >= 0)
);
CREATE UNIQUE INDEX trip_fares_zone_category_key ON trip_fares (zone_id, category_id) NULLS NOT DISTINCT;

CREATE TABLE trip_requests (
    id                  UUID PRIMARY KEY,
    ref_id              TEXT NOT NULL,
    customer_id         UUID NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    driver_id           UUID REFERENCES users (id) ON DELETE RESTRICT,
    vehicle_category_id UUID NOT NULL REFERENCES vehicle_categories (id) ON DELETE RESTRICT,
    vehicle_id          UUID REFERENCES vehicles (id) ON DELETE RESTRICT,
    zone_id             UUID REFERENCES zones (id) ON DELETE RESTRICT,
    type                TEXT NOT NULL DEFAULT 'ride_request',
    current_status      TEXT NOT NULL DEFAULT 'pending',
    version             INTEGER NOT NULL DEFAULT 0,
    locked_at           TIMESTAMPTZ(6),
    payment_method      TEXT NOT NULL,
    payment_status      TEXT NOT NULL DEFAULT 'unpaid',
    currency            TEXT NOT NULL,
    estimated_fare      INTEGER NOT NULL,
    actual_fare         INTEGER,
    estimated_distance  INTEGER NOT NULL,
    estimated_duration  INTEGER NOT NULL,
    actual_distance     INTEGER,
    route_estimated     BOOLEAN NOT NULL DEFAULT true,
    surge_multiplier    DOUBLE PRECISION NOT NULL DEFAULT 1,
    encoded_polyline    TEXT,
    details             JSONB,
    message             TEXT,
    cancelled_by        TEXT,
    cancel_reason       TEXT,
    search_ends_at      TIMESTAMPTZ(6),
    next_dispatch_at    TIMESTAMPTZ(6),
    dispatch_batch      INTEGER NOT NULL DEFAULT 0,
    arrived_at          TIMESTAMPTZ(6),
    trip_start_time     TIMESTAMPTZ(6),
    trip_end_time       TIMESTAMPTZ(6),
    created_at          TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at          TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    deleted_at          TIMESTAMPTZ(6),
    CONSTRAINT trip_type_known CHECK (type IN ('ride_request', 'parcel')),
    CONSTRAINT trip_status_known CHECK (current_status IN
        ('pending', 'accepted', 'arrived', 'ongoing', 'completed', 'cancelled', 'expired')),
    -- A live trip has its driver and vehicle; a waiting or expired one has none.
    CONSTRAINT trip_driver_fits_status CHECK (
        CASE
            WHEN current_status IN ('accepted', 'arrived', 'ongoing', 'completed')
                THEN driver_id IS NOT NULL AND vehicle_id IS NOT NULL
            WHEN current_status IN ('pending', 'expired') THEN driver_id IS NULL AND vehicle_id IS NULL
            ELSE true
        END
    )
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX trip_requests_ref_id_key ON trip_requests (ref_id);
-- The promise, kept by the database itself: one live trip per driver.
-- (One driver per trip is the column: a trip row holds one driver_id.)
CREATE UNIQUE INDEX one_live_trip_per_driver ON trip_requests (driver_id)
    WHERE current_status IN ('accepted', 'arrived', 'ongoing');
CREATE INDEX idx_trips_status_created ON trip_requests (current_status, created_at DESC);
CREATE INDEX idx_trips_created ON trip_requests (created_at DESC, id DESC);
CREATE INDEX idx_trips_customer_status_created ON trip_requests (customer_id, current_status, created_at DESC)
    INCLUDE (id, estimated_fare, actual_fare);
CREATE INDEX idx_trips_driver ON trip_requests (driver_id, current_status);
CREATE INDEX idx_trips_zone_status ON trip_requests (zone_id, current_status);
CREATE INDEX idx_pending_trips ON trip_requests (zone_id, created_at)
    WHERE current_status = 'pending' AND driver_id IS NULL;
CREATE INDEX idx_trips_due_for_dispatch ON trip_requests (next_dispatch_at)
    WHERE current_status = 'pending' AND driver_id IS NULL;

CREATE TABLE trip_request_coordinates (
    trip_request_id           UUID PRIMARY KEY REFERENCES trip_requests (id) ON DELETE CASCADE,
    pickup_coordinates        point NOT NULL,
    pickup_address            TEXT,
    destination_coordinates   point NOT NULL,
    destination_address       TEXT,
    intermediate_coordinates  JSONB,
    driver_accept_coordinates point,
    start_coordinates         point,
    drop_coordinates          point
);
CREATE INDEX idx_coordinates_pickup ON trip_request_coordinates USING gist (pickup_coordinates);

CREATE TABLE trip_offers (
    id              UUID PRIMARY KEY,
    trip_request_id UUID NOT NULL REFERENCES trip_requests (id) ON DELETE CASCADE,
    driver_id       UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    batch           INTEGER NOT NULL,
    distance_meters INTEGER NOT NULL,
    status          TEXT NOT NULL DEFAULT 'open',
    reason          TEXT,
    offered_at      TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at      TIMESTAMPTZ(6) NOT NULL,
    ended_at        TIMESTAMPTZ(6),
    CONSTRAINT offer_status_known CHECK (status IN ('open', 'accepted', 'rejected', 'expired', 'revoked'))
);
CREATE INDEX idx_offers_trip ON trip_offers (trip_request_id, offered_at);
CREATE INDEX idx_offers_driver_open ON trip_offers (driver_id) WHERE status = 'open';
CREATE INDEX idx_offers_open_expires ON trip_offers (expires_at) WHERE status = 'open';
CREATE UNIQUE INDEX one_open_offer_per_trip_and_driver ON trip_offers (trip_request_id, driver_id)
    WHERE status = 'open';
CREATE UNIQUE INDEX one_accepted_offer_per_trip ON trip_offers (trip_request_id) WHERE status = 'accepted';

-- What happened to a trip, for people to see. Written in batches off the answer's path, so no foreign key.
CREATE TABLE trip_events (
    id              UUID PRIMARY KEY,
    trip_request_id UUID NOT NULL,
    kind            TEXT NOT NULL,
    actor_type      TEXT NOT NULL,
    actor_id        UUID,
    data            JSONB NOT NULL DEFAULT '{}',
    at              TIMESTAMPTZ(6) NOT NULL
);
CREATE INDEX idx_trip_events_trip ON trip_events (trip_request_id, at);

CREATE TABLE user_last_locations (
    user_id     UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    type        TEXT NOT NULL,
    location    point NOT NULL,
    heading     DOUBLE PRECISION,
    speed       DOUBLE PRECISION,
    accuracy    DOUBLE PRECISION,
    zone_id     UUID,
    recorded_at TIMESTAMPTZ(6) NOT NULL,
    updated_at  TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITH (fillfactor = 70);
CREATE INDEX idx_location_zone_type ON user_last_locations (zone_id, type);
CREATE INDEX idx_location_point ON user_last_locations USING gist (location);

CREATE TABLE otp_verifications (
    id          UUID PRIMARY KEY,
    purpose     TEXT NOT NULL,
    subject     TEXT NOT NULL,
    code_hash   TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    last_attempt_at TIMESTAMPTZ(6),
    expires_at  TIMESTAMPTZ(6) NOT NULL,
    consumed_at TIMESTAMPTZ(6),
    created_at  TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX otp_verifications_purpose_subject_key ON otp_verifications (purpose, subject);
CREATE INDEX idx_otp_expires ON otp_verifications (expires_at);

CREATE TABLE idempotency_keys (
    id               UUID PRIMARY KEY,
    actor_id         TEXT NOT NULL,
    operation        TEXT NOT NULL,
    idempotency_key  TEXT NOT NULL,
    request_hash     TEXT NOT NULL,
    owner_token      UUID NOT NULL,
    lease_expires_at TIMESTAMPTZ(6) NOT NULL,
    status           TEXT NOT NULL DEFAULT 'running',
    status_code      INTEGER,
    response_body    TEXT,
    replays          INTEGER NOT NULL DEFAULT 0,
    created_at       TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at       TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at       TIMESTAMPTZ(6) NOT NULL,
    CONSTRAINT idempotency_status_known CHECK (status IN ('running', 'finished')),
    CONSTRAINT idempotency_finished_has_result
        CHECK (status = 'running' OR (status_code IS NOT NULL AND response_body IS NOT NULL))
);
CREATE UNIQUE INDEX idempotency_keys_scope_key ON idempotency_keys (actor_id, operation, idempotency_key);
CREATE INDEX idx_idempotency_expires ON idempotency_keys (expires_at);

-- Committed with the change it tells of; the relay turns each row into one job whose id is the row's id.
CREATE TABLE outbox (
    id           UUID PRIMARY KEY,
    topic        TEXT NOT NULL,
    trip_id      UUID,
    payload      JSONB NOT NULL,
    created_at   TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    published_at TIMESTAMPTZ(6),
    completed_at TIMESTAMPTZ(6),
    failed_at    TIMESTAMPTZ(6),
    publications INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT
);
-- Both stay as small as the work that is not done, whatever the history.
CREATE INDEX idx_outbox_unpublished ON outbox (created_at) WHERE published_at IS NULL;
CREATE INDEX idx_outbox_unfinished ON outbox (published_at)
    WHERE published_at IS NOT NULL AND completed_at IS NULL AND failed_at IS NULL;
CREATE INDEX idx_outbox_failed ON outbox (failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX idx_outbox_trip ON outbox (trip_id);
CREATE INDEX idx_outbox_completed ON outbox (completed_at) WHERE completed_at IS NOT NULL;

-- One row an effect: claimed before it is done, so that a re-run after a crash can tell.
CREATE TABLE effects (
    id         UUID PRIMARY KEY,
    effect     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    trip_id    UUID,
    status     TEXT NOT NULL DEFAULT 'claimed',
    attempts   INTEGER NOT NULL DEFAULT 1,
    job_id     TEXT,
    error      TEXT,
    claimed_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    done_at    TIMESTAMPTZ(6),
    CONSTRAINT effect_status_known CHECK (status IN ('claimed', 'done', 'failed'))
);
CREATE UNIQUE INDEX effects_effect_subject_key ON effects (effect, subject);
CREATE INDEX idx_effects_trip ON effects (trip_id);

-- Messages that the recorder kept instead of sending (demo, tests). dedupe_key is the effect's id:
-- the recorder honours it as a provider honours an idempotency key.
CREATE TABLE recorded_messages (
    id         UUID PRIMARY KEY,
    channel    TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    title      TEXT,
    body       TEXT NOT NULL,
    data       JSONB NOT NULL DEFAULT '{}',
    trip_id    UUID,
    dedupe_key TEXT NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT recorded_channel_known CHECK (channel IN ('sms', 'push'))
);
CREATE UNIQUE INDEX recorded_messages_dedupe_key_key ON recorded_messages (dedupe_key);
CREATE INDEX idx_recorded_messages_created ON recorded_messages (created_at DESC, id DESC);
CREATE INDEX idx_recorded_messages_trip ON recorded_messages (trip_id);

CREATE TABLE activity_logs (
    id           UUID PRIMARY KEY,
    actor_id     UUID,
    actor_name   TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    before       JSONB,
    after        JSONB,
    reason       TEXT,
    ip           TEXT,
    request_id   TEXT,
    created_at   TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_activity_created ON activity_logs (created_at DESC);
CREATE INDEX idx_activity_subject ON activity_logs (subject_type, subject_id, created_at DESC);
