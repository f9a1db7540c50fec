-- +goose Up
-- The code that $LATEST runs while an update is in progress, and after one that failed.
ALTER TABLE functions ADD COLUMN serving text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX functions_serving ON functions (serving);
