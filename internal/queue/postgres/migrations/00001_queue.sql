-- +goose Up
-- A lease is an owner: the epoch of the daemon that took the item, 0 = free. Times are
-- microseconds since 1970. Functions sort by bytes, as in SQLite.
CREATE TABLE queue_items (
    id       bigint PRIMARY KEY,
    grp      text COLLATE "C" NOT NULL,
    function text COLLATE "C" NOT NULL,
    due      bigint  NOT NULL,
    owner    bigint  NOT NULL,
    attempts integer NOT NULL
);
CREATE INDEX queue_free ON queue_items (grp, function, due, id) WHERE owner = 0;
CREATE INDEX queue_leased ON queue_items (grp, owner) WHERE owner <> 0;

CREATE TABLE queue_bodies (
    id   bigint PRIMARY KEY REFERENCES queue_items ON DELETE CASCADE,
    body bytea NOT NULL
);
