-- The index of free drivers follows the database by a number that every change of a driver's freedom raises: drawn while
-- the row is locked, so of two states of one driver the later has the higher one, whatever order they are told in.
ALTER TABLE driver_details ADD COLUMN index_version BIGSERIAL;
CREATE INDEX idx_driver_index_version ON driver_details (index_version);

CREATE FUNCTION driver_changed_for_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.index_version := nextval('driver_details_index_version_seq');
  RETURN NEW;
END $$;

CREATE TRIGGER driver_details_index_version BEFORE UPDATE OF is_online, availability_status, under_review ON driver_details
  FOR EACH ROW WHEN (OLD.is_online IS DISTINCT FROM NEW.is_online OR OLD.availability_status IS DISTINCT FROM NEW.availability_status
    OR OLD.under_review IS DISTINCT FROM NEW.under_review)
  EXECUTE FUNCTION driver_changed_for_index();

-- Another vehicle, another category, an account closed: the driver's entry is another one too.
CREATE FUNCTION vehicle_changed_for_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE driver_details SET index_version = nextval('driver_details_index_version_seq') WHERE user_id = OLD.driver_id;
  END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.driver_id IS DISTINCT FROM OLD.driver_id) THEN
    UPDATE driver_details SET index_version = nextval('driver_details_index_version_seq') WHERE user_id = NEW.driver_id;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER vehicles_index_version AFTER INSERT OR DELETE OR UPDATE OF driver_id, category_id, is_active ON vehicles
  FOR EACH ROW EXECUTE FUNCTION vehicle_changed_for_index();

CREATE FUNCTION account_changed_for_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE driver_details SET index_version = nextval('driver_details_index_version_seq') WHERE user_id = NEW.id;
  RETURN NULL;
END $$;

CREATE TRIGGER users_index_version AFTER UPDATE OF is_active ON users
  FOR EACH ROW WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION account_changed_for_index();
