-- Identity: sessions and their refresh tokens, sign-in failures, registrations, the operators' second factor.
-- Whatever takes access away is seen by every process within seconds: see idx_sessions_revoked, idx_users_access_changed.

-- One row a sign-in. Its refresh tokens are one family.
CREATE TABLE sessions (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    device       TEXT,
    ip           TEXT,
    created_at   TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_used_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at   TIMESTAMPTZ(6) NOT NULL,
    revoked_at   TIMESTAMPTZ(6),
    revoked_why  TEXT,
    CONSTRAINT session_kind_known CHECK (kind IN ('app', 'console')),
    CONSTRAINT session_revoked_says_why CHECK ((revoked_at IS NULL) = (revoked_why IS NULL))
);
CREATE INDEX idx_sessions_user ON sessions (user_id, last_used_at DESC);
CREATE INDEX idx_sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX idx_sessions_expires ON sessions (expires_at);

-- Hashes only. used_key: the hash of the Idempotency-Key that the token was exchanged under.
CREATE TABLE refresh_tokens (
    id         UUID PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at TIMESTAMPTZ(6) NOT NULL,
    used_at    TIMESTAMPTZ(6),
    used_key   TEXT
);
CREATE UNIQUE INDEX refresh_tokens_token_hash_key ON refresh_tokens (token_hash);
CREATE INDEX idx_refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX idx_refresh_tokens_expires ON refresh_tokens (expires_at);

-- id: the account as it was typed, keyed-hashed; also of accounts that do not exist.
CREATE TABLE sign_in_failures (
    id             TEXT PRIMARY KEY,
    failures       INTEGER NOT NULL,
    locked_until   TIMESTAMPTZ(6),
    last_failed_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_sign_in_failures_last ON sign_in_failures (last_failed_at);

-- Who wants an account, until their phone is confirmed; details are encrypted.
CREATE TABLE registrations (
    id         UUID PRIMARY KEY,
    details    TEXT NOT NULL,
    created_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at TIMESTAMPTZ(6) NOT NULL
);
CREATE INDEX idx_registrations_expires ON registrations (expires_at);

-- secret is encrypted; last_step is the time step of the last code taken: none is taken twice.
CREATE TABLE operator_totp (
    user_id      UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       TEXT NOT NULL,
    confirmed_at TIMESTAMPTZ(6),
    last_step    BIGINT NOT NULL DEFAULT 0,
    created_at   TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE recovery_codes (
    id        UUID PRIMARY KEY,
    user_id   UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    used_at   TIMESTAMPTZ(6)
);
CREATE UNIQUE INDEX recovery_codes_user_code_key ON recovery_codes (user_id, code_hash);

-- Encrypted, see server/platform/cipher.ts.
ALTER TABLE driver_details ADD COLUMN licence_number TEXT, ADD COLUMN identity_number TEXT;

-- Whatever changes what a user's tokens are worth, by whichever statement, is stamped, and read by all processes.
-- spared_session_id: the session that raised token_version itself (a changed password) and goes on.
ALTER TABLE users ADD COLUMN access_changed_at TIMESTAMPTZ(6), ADD COLUMN spared_session_id UUID;
CREATE INDEX idx_users_access_changed ON users (access_changed_at) WHERE access_changed_at IS NOT NULL;

CREATE FUNCTION stamp_access_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.access_changed_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER users_access_changed BEFORE UPDATE ON users FOR EACH ROW
    WHEN (
        (OLD.is_active, OLD.token_version, OLD.deleted_at)
        IS DISTINCT FROM (NEW.is_active, NEW.token_version, NEW.deleted_at)
    )
    EXECUTE FUNCTION stamp_access_change();
