-- Which trip a driver was on at a moment: the last one they took before it.
CREATE INDEX idx_trips_driver_locked ON trip_requests (driver_id, locked_at DESC);
