-- +goose Up
CREATE TABLE functions (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL,
    record  TEXT NOT NULL CHECK (json_valid(record)),
    PRIMARY KEY (account, region, name)
) STRICT;
CREATE INDEX functions_digest ON functions (digest);

CREATE TABLE versions (
    account TEXT    NOT NULL,
    region  TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    digest  TEXT    NOT NULL,
    record  TEXT    NOT NULL CHECK (json_valid(record)),
    PRIMARY KEY (account, region, name, version),
    FOREIGN KEY (account, region, name) REFERENCES functions ON DELETE CASCADE
) STRICT;
CREATE INDEX versions_digest ON versions (digest);

CREATE TABLE epoch (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO epoch (one, value) VALUES (1, 0);
