-- What a customer says of a trip that has ended, once.
CREATE TABLE reviews (
  id              uuid PRIMARY KEY,
  trip_request_id uuid NOT NULL REFERENCES trip_requests (id) ON DELETE CASCADE,
  given_by        uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  received_by     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  rating          smallint NOT NULL CONSTRAINT reviews_rating_check CHECK (rating BETWEEN 1 AND 5),
  feedback        text,
  created_at      timestamptz(6) NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX reviews_trip_giver_key ON reviews (trip_request_id, given_by);
CREATE INDEX idx_reviews_received ON reviews (received_by, created_at DESC);
CREATE INDEX idx_reviews_given ON reviews (given_by);

-- Keys with which a device signs its requests. The secret is encrypted (server/platform/cipher.ts).
CREATE TABLE signing_keys (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  device       text NOT NULL,
  secret       text NOT NULL,
  created_at   timestamptz(6) NOT NULL DEFAULT now(),
  last_used_at timestamptz(6),
  revoked_at   timestamptz(6)
);
CREATE INDEX idx_signing_keys_user ON signing_keys (user_id, created_at DESC);

-- Each nonce of a key is good for one request; kept as long as its timestamp would be taken.
CREATE TABLE request_nonces (
  id         uuid PRIMARY KEY,
  key_id     uuid NOT NULL REFERENCES signing_keys (id) ON DELETE CASCADE,
  nonce      text NOT NULL,
  expires_at timestamptz(6) NOT NULL
);
CREATE UNIQUE INDEX request_nonces_key_nonce_key ON request_nonces (key_id, nonce);
CREATE INDEX idx_request_nonces_expires ON request_nonces (expires_at);
