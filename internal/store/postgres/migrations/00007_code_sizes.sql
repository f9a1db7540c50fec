-- +goose Up
-- What the packages of an account have together: every new package asks for it, and adding up those of 100,000
-- functions takes longer than all else that creating one does. Triggers, so that a version before this one keeps
-- it right, too, during an upgrade.
CREATE TABLE code_sizes (
    account text COLLATE "C" PRIMARY KEY,
    bytes   bigint NOT NULL
);
-- +goose StatementBegin
CREATE FUNCTION count_code() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whose text;
    grows bigint := 0;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        whose := OLD.account;
        grows := -OLD.bytes;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        whose := NEW.account;
        grows := grows + NEW.bytes;
    END IF;
    IF grows <> 0 THEN
        INSERT INTO code_sizes AS of_account (account, bytes) VALUES (whose, grows)
        ON CONFLICT (account) DO UPDATE SET bytes = of_account.bytes + excluded.bytes;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER functions_code AFTER INSERT OR UPDATE OF bytes OR DELETE ON functions FOR EACH ROW EXECUTE FUNCTION count_code();
CREATE TRIGGER versions_code AFTER INSERT OR UPDATE OF bytes OR DELETE ON versions FOR EACH ROW EXECUTE FUNCTION count_code();
CREATE TRIGGER layer_versions_code AFTER INSERT OR UPDATE OF bytes OR DELETE ON layer_versions FOR EACH ROW EXECUTE FUNCTION count_code();
INSERT INTO code_sizes (account, bytes)
SELECT account, SUM(bytes) FROM (SELECT account, bytes FROM functions UNION ALL SELECT account, bytes FROM versions
UNION ALL SELECT account, bytes FROM layer_versions) AS packages GROUP BY account;
DROP INDEX functions_bytes;
DROP INDEX versions_bytes;
DROP INDEX layer_versions_bytes;
