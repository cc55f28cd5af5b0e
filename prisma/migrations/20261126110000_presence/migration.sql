-- Who is connected where. A gateway says that it lives by one row, not by one a connection; what it held goes with it.
CREATE TABLE gateway_servers (
    id           UUID PRIMARY KEY,
    host         TEXT NOT NULL,
    pid          INTEGER NOT NULL,
    stats        JSONB NOT NULL DEFAULT '{}',
    started_at   TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_seen_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE websocket_connections (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_type    TEXT NOT NULL,
    server_id    UUID NOT NULL REFERENCES gateway_servers (id) ON DELETE CASCADE,
    connected_at TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_connections_user ON websocket_connections (user_id);
CREATE INDEX idx_connections_server ON websocket_connections (server_id);

-- When the driver's last connection ended; null: connected, or never was by socket.
ALTER TABLE driver_details ADD COLUMN disconnected_at TIMESTAMPTZ(6);
CREATE INDEX idx_driver_disconnected ON driver_details (disconnected_at) WHERE disconnected_at IS NOT NULL;
