-- A request with another body under the same key, or with the same while the first still ran.
ALTER TABLE idempotency_keys ADD COLUMN conflicts INTEGER NOT NULL DEFAULT 0;
CREATE INDEX idx_idempotency_running ON idempotency_keys (id) WHERE status = 'running';
CREATE INDEX idx_idempotency_conflicts ON idempotency_keys (id) WHERE conflicts > 0;

-- The inbox of the payment gateways: verified deliveries only, each event once.
CREATE TABLE webhook_events (
    id               UUID PRIMARY KEY,
    gateway          TEXT NOT NULL,
    event_key        TEXT NOT NULL,
    -- What was verified, as JSON text (jsonb would refuse what a gateway may write); null once its time is over.
    payload          TEXT,
    -- The bytes as they came; null once their time is over.
    raw_body         BYTEA,
    headers          JSONB NOT NULL DEFAULT '{}',
    -- The event in our words.
    kind             TEXT NOT NULL,
    raw_type         TEXT NOT NULL,
    amount           BIGINT,
    currency         TEXT,
    amount_is_signed BOOLEAN NOT NULL,
    trip_id          UUID,
    reference        TEXT,
    payment_id       TEXT,
    refund_id        TEXT,
    dispute_id       TEXT,
    occurred_at      TIMESTAMPTZ(6),
    -- What became of it.
    status           TEXT NOT NULL DEFAULT 'received',
    verdict          TEXT,
    detail           TEXT,
    job_id           UUID NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    last_error       TEXT,
    deliveries       INTEGER NOT NULL DEFAULT 1,
    ip               TEXT,
    request_id       TEXT NOT NULL,
    received_at      TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_delivery_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    processed_at     TIMESTAMPTZ(6),
    CONSTRAINT webhook_status_known CHECK (status IN ('received', 'processed', 'ignored', 'failed')),
    CONSTRAINT webhook_amount_has_currency CHECK ((amount IS NULL) = (currency IS NULL))
);
CREATE UNIQUE INDEX webhook_events_gateway_key ON webhook_events (gateway, event_key);
CREATE INDEX idx_webhooks_gateway ON webhook_events (gateway, id);
CREATE INDEX idx_webhooks_status ON webhook_events (status, id);
CREATE INDEX idx_webhooks_verdict ON webhook_events (verdict, id);
CREATE INDEX idx_webhooks_payment ON webhook_events (gateway, payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX idx_webhooks_trip ON webhook_events (trip_id) WHERE trip_id IS NOT NULL;
CREATE INDEX idx_webhooks_job ON webhook_events (job_id);
CREATE INDEX idx_webhooks_raw ON webhook_events (received_at) WHERE raw_body IS NOT NULL;
