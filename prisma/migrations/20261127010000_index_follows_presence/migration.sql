-- Who is lost from the wire is not asked, so the index of free drivers follows that as well.
DROP TRIGGER driver_details_index_version ON driver_details;
CREATE TRIGGER driver_details_index_version
  BEFORE UPDATE OF is_online, availability_status, under_review, disconnected_at ON driver_details
  FOR EACH ROW WHEN (OLD.is_online IS DISTINCT FROM NEW.is_online OR OLD.availability_status IS DISTINCT FROM NEW.availability_status
    OR OLD.under_review IS DISTINCT FROM NEW.under_review OR (OLD.disconnected_at IS NULL) <> (NEW.disconnected_at IS NULL))
  EXECUTE FUNCTION driver_changed_for_index();
