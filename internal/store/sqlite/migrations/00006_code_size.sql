-- +goose Up
-- The size of a package, so that those of an account can be added up without reading records. What a version
-- before this one writes during an upgrade counts nothing until it is written again.
ALTER TABLE functions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE functions SET bytes = json_extract(record, '$.latest.code.bytes');
CREATE INDEX functions_bytes ON functions (account, bytes);
ALTER TABLE versions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE versions SET bytes = json_extract(record, '$.version.code.bytes');
CREATE INDEX versions_bytes ON versions (account, bytes);
ALTER TABLE layer_versions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE layer_versions SET bytes = json_extract(record, '$.code.bytes');
CREATE INDEX layer_versions_bytes ON layer_versions (account, bytes);
