-- +goose Up
-- The name of the key that seals the secrets in all records; the key itself is elsewhere.
CREATE TABLE sealing_key (
    one integer PRIMARY KEY CHECK (one = 1),
    id  text COLLATE "C" NOT NULL
);
