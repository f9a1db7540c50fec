-- +goose Up
-- The concurrency that a function has for itself, so that those of an account can be added up without reading
-- records. What a version before this one reserves during an upgrade counts nothing until it is written again.
-- By pattern, as the sizes of code.
ALTER TABLE functions ADD COLUMN claimed bigint NOT NULL DEFAULT 0;
UPDATE functions SET claimed = COALESCE(substring(record::text FROM '"reservedConcurrency":([0-9]+)')::bigint,
    (SELECT SUM(found[1]::bigint) FROM regexp_matches(record::text, '"executions":([0-9]+)', 'g') AS found), 0);
CREATE INDEX functions_claimed ON functions (account, region, claimed) WHERE claimed > 0;
