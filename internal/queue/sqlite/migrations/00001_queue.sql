-- +goose Up
-- A lease is an owner: the epoch of the daemon that took the item, 0 = free. Times are
-- microseconds since 1970.
CREATE TABLE queue_items (
    id       INTEGER PRIMARY KEY,
    grp      TEXT    NOT NULL,
    function TEXT    NOT NULL,
    due      INTEGER NOT NULL,
    owner    INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_free ON queue_items (grp, function, due, id) WHERE owner = 0;
CREATE INDEX queue_leased ON queue_items (grp, owner) WHERE owner <> 0;

CREATE TABLE queue_bodies (
    id   INTEGER PRIMARY KEY REFERENCES queue_items ON DELETE CASCADE,
    body BLOB NOT NULL
) STRICT;
