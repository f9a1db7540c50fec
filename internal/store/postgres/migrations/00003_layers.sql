-- +goose Up
-- last is the highest number that was ever given: a layer outlives its versions, so
-- that none is used twice.
CREATE TABLE layers (
    account text COLLATE "C" NOT NULL,
    region  text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    last    bigint NOT NULL CHECK (last > 0),
    PRIMARY KEY (account, region, name)
);

CREATE TABLE layer_versions (
    account text COLLATE "C" NOT NULL,
    region  text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    digest  text COLLATE "C" NOT NULL,
    record  json NOT NULL,
    PRIMARY KEY (account, region, name, version),
    FOREIGN KEY (account, region, name) REFERENCES layers ON DELETE CASCADE
);
CREATE INDEX layer_versions_digest ON layer_versions (digest);

-- The layers of function versions; version 0 is $LATEST. What stands here keeps a
-- deleted layer's package.
CREATE TABLE layer_uses (
    account text COLLATE "C" NOT NULL,
    region  text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version >= 0),
    digest  text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, region, name, version, digest),
    FOREIGN KEY (account, region, name) REFERENCES functions ON DELETE CASCADE
);
CREATE INDEX layer_uses_digest ON layer_uses (digest);
