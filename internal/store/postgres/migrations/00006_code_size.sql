-- +goose Up
-- The size of a package, so that those of an account can be added up without reading records. What a version
-- before this one writes during an upgrade counts nothing until it is written again.
-- By pattern: a string in a record may hold \u0000, which the operators of json refuse. In a string the quotes of
-- the pattern would have a backslash before them.
ALTER TABLE functions ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
UPDATE functions SET bytes = substring(record::text FROM '"code":\{[^{}]*"bytes":([0-9]+)')::bigint;
CREATE INDEX functions_bytes ON functions (account, bytes);
ALTER TABLE versions ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
UPDATE versions SET bytes = substring(record::text FROM '"code":\{[^{}]*"bytes":([0-9]+)')::bigint;
CREATE INDEX versions_bytes ON versions (account, bytes);
ALTER TABLE layer_versions ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
UPDATE layer_versions SET bytes = substring(record::text FROM '"code":\{[^{}]*"bytes":([0-9]+)')::bigint;
CREATE INDEX layer_versions_bytes ON layer_versions (account, bytes);
