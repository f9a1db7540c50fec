-- +goose Up
CREATE TABLE capacity_providers (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    record  TEXT NOT NULL CHECK (json_valid(record)),
    PRIMARY KEY (account, region, name)
) STRICT;
