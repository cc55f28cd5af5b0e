-- An operator is invited with a password that whoever invited them has seen: until it is changed, it opens nothing else.
ALTER TABLE users ADD COLUMN must_change_password BOOLEAN NOT NULL DEFAULT false;
