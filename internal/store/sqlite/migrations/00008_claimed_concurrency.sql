-- +goose Up
-- The concurrency that a function has for itself, so that those of an account can be added up without reading
-- records. What a version before this one reserves during an upgrade counts nothing until it is written again.
ALTER TABLE functions ADD COLUMN claimed INTEGER NOT NULL DEFAULT 0;
UPDATE functions SET claimed = COALESCE(json_extract(record, '$.reservedConcurrency'),
    (SELECT SUM(json_extract(value, '$.executions')) FROM json_each(record, '$.provisioned')), 0);
CREATE INDEX functions_claimed ON functions (account, region, claimed) WHERE claimed > 0;
