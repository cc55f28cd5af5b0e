-- Operators look a key up by what the app sent.
CREATE INDEX idx_idempotency_key ON idempotency_keys (idempotency_key);
