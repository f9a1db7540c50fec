-- +goose Up
-- Names sort by bytes, as in SQLite, whatever the database's own collation.
CREATE TABLE functions (
    account text COLLATE "C" NOT NULL,
    region  text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    digest  text COLLATE "C" NOT NULL,
    record  json NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE INDEX functions_digest ON functions (digest);

CREATE TABLE versions (
    account text COLLATE "C" NOT NULL,
    region  text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    digest  text COLLATE "C" NOT NULL,
    record  json NOT NULL,
    PRIMARY KEY (account, region, name, version),
    FOREIGN KEY (account, region, name) REFERENCES functions ON DELETE CASCADE
);
CREATE INDEX versions_digest ON versions (digest);

CREATE TABLE epoch (
    one   integer PRIMARY KEY CHECK (one = 1),
    value bigint NOT NULL
);
INSERT INTO epoch (one, value) VALUES (1, 0);
