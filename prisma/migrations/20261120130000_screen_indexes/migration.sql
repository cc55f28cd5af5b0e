-- Lists of trips page by id (UUIDv7: by time). The indexes on created_at cannot give them in that order, so a page of a
-- rare status, or of a person with many trips, was sorted out of all their rows.
CREATE INDEX idx_trips_status_id ON trip_requests (current_status, id DESC);
CREATE INDEX idx_trips_customer_id ON trip_requests (customer_id, id DESC);
CREATE INDEX idx_trips_driver_id ON trip_requests (driver_id, id DESC);
