-- +goose Up
-- What the packages of an account have together: every new package asks for it, and adding up those of 100,000
-- functions takes longer than all else that creating one does. Triggers, so that a version before this one keeps
-- it right, too, during an upgrade.
CREATE TABLE code_sizes (
    account TEXT    PRIMARY KEY,
    bytes   INTEGER NOT NULL
) STRICT;
INSERT INTO code_sizes (account, bytes)
SELECT account, SUM(bytes) FROM (SELECT account, bytes FROM functions UNION ALL SELECT account, bytes FROM versions
UNION ALL SELECT account, bytes FROM layer_versions) GROUP BY account;
DROP INDEX functions_bytes;
DROP INDEX versions_bytes;
DROP INDEX layer_versions_bytes;

-- +goose StatementBegin
CREATE TRIGGER functions_insert AFTER INSERT ON functions WHEN NEW.bytes <> 0 BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (NEW.account, NEW.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER functions_update AFTER UPDATE OF bytes ON functions WHEN NEW.bytes <> OLD.bytes BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (NEW.account, NEW.bytes - OLD.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER functions_delete AFTER DELETE ON functions WHEN OLD.bytes <> 0 BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (OLD.account, -OLD.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER versions_insert AFTER INSERT ON versions WHEN NEW.bytes <> 0 BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (NEW.account, NEW.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER versions_update AFTER UPDATE OF bytes ON versions WHEN NEW.bytes <> OLD.bytes BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (NEW.account, NEW.bytes - OLD.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER versions_delete AFTER DELETE ON versions WHEN OLD.bytes <> 0 BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (OLD.account, -OLD.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER layer_versions_insert AFTER INSERT ON layer_versions WHEN NEW.bytes <> 0 BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (NEW.account, NEW.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER layer_versions_update AFTER UPDATE OF bytes ON layer_versions WHEN NEW.bytes <> OLD.bytes BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (NEW.account, NEW.bytes - OLD.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER layer_versions_delete AFTER DELETE ON layer_versions WHEN OLD.bytes <> 0 BEGIN
    INSERT INTO code_sizes (account, bytes) VALUES (OLD.account, -OLD.bytes)
    ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
