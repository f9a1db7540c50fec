-- +goose Up
CREATE TABLE capacity_providers (
    account text COLLATE "C" NOT NULL,
    region  text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    record  json NOT NULL,
    PRIMARY KEY (account, region, name)
);
