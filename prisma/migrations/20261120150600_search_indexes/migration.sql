-- What people type into a search is the start of a name, phone, plate or trip number: an index of patterns finds it
-- without reading the table. Plain b-tree indexes serve LIKE only under the C collation, hence the operator class.
CREATE INDEX idx_users_phone_start ON users (phone text_pattern_ops);
CREATE INDEX idx_users_name_start ON users (lower(first_name || ' ' || last_name) text_pattern_ops);
CREATE INDEX idx_users_last_name_start ON users (lower(last_name) text_pattern_ops);
CREATE INDEX idx_vehicles_plate_start ON vehicles (upper(licence_plate_number) text_pattern_ops);
CREATE INDEX idx_trips_ref_start ON trip_requests (ref_id text_pattern_ops);
