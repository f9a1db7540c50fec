-- +goose Up
-- last is the highest number that was ever given: a layer outlives its versions, so
-- that none is used twice.
CREATE TABLE layers (
    account TEXT    NOT NULL,
    region  TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    last    INTEGER NOT NULL CHECK (last > 0),
    PRIMARY KEY (account, region, name)
) STRICT;

CREATE TABLE layer_versions (
    account TEXT    NOT NULL,
    region  TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    digest  TEXT    NOT NULL,
    record  TEXT    NOT NULL CHECK (json_valid(record)),
    PRIMARY KEY (account, region, name, version),
    FOREIGN KEY (account, region, name) REFERENCES layers ON DELETE CASCADE
) STRICT;
CREATE INDEX layer_versions_digest ON layer_versions (digest);

-- The layers of function versions; version 0 is $LATEST. What stands here keeps a
-- deleted layer's package.
CREATE TABLE layer_uses (
    account TEXT    NOT NULL,
    region  TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 0),
    digest  TEXT    NOT NULL,
    PRIMARY KEY (account, region, name, version, digest),
    FOREIGN KEY (account, region, name) REFERENCES functions ON DELETE CASCADE
) STRICT;
CREATE INDEX layer_uses_digest ON layer_uses (digest);
