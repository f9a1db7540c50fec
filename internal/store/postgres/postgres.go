package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/relational"
)

const (
	// maxConnections bounds what one daemon takes of the server's max_connections.
	maxConnections = 16
	// connectTimeout bounds the first contact, so that a wrong address is told soon.
	connectTimeout = 10 * time.Second
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open connects to the database that dsn names (a postgres:// address or a
// key=value list, as libpq reads them) and migrates it where needed. Several daemons
// may do so at once: an advisory lock lets one migrate.
func Open(ctx context.Context, dsn string, sealer store.Sealer) (*relational.Store, error) {
	pool, dialect, err := Pool(dsn, maxConnections, migrations)
	if err != nil {
		return nil, err
	}
	return relational.Open(ctx, pool, pool, dialect, sealer)
}

// Pool returns at most limit connections to a database, and the dialect for the schema in
// the folder migrations of an embedded file system. It does not connect yet.
func Pool(dsn string, limit int, schema embed.FS) (*sql.DB, relational.Dialect, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, relational.Dialect{}, fmt.Errorf("reading the address of the store: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	pool := stdlib.OpenDB(*config, stdlib.OptionShouldPing(always))
	pool.SetMaxOpenConns(limit)
	return pool, dialect(config, schema), nil
}

// always asks whether the session still lives before each use. The round trip is cheap
// where no invoke waits, and a restarted server then costs no call its success.
func always(context.Context, stdlib.ShouldPingParams) bool { return true }

func dialect(config *pgx.ConnConfig, schema embed.FS) relational.Dialect {
	files, err := fs.Sub(schema, "migrations")
	if err != nil {
		panic(err) // the folder is embedded: only a broken build lacks it
	}
	return relational.Dialect{
		Name:       goose.DialectPostgres,
		Migrations: files,
		Alone:      alone,
		LockRow:    ` FOR UPDATE`,
		Explain:    func(err error) error { return explain(config, err) },
		Retry:      lostRace,
	}
}

// migrationLock is the key of the advisory lock: any number that no other program
// would take in Lambent's database.
const migrationLock = 0x6c616d62656e74 // "lambent"

// alone holds an advisory lock in a session of its own. The lock ends with the session,
// so that of a daemon that died is free.
func alone(ctx context.Context, db *sql.DB) (release func() error, err error) {
	session, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := session.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return func() error {
		ctx, stop := cleanup.Context(ctx, connectTimeout)
		defer stop()
		_, err := session.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLock)
		return errors.Join(err, session.Close())
	}, nil
}

// SQLSTATE codes (PostgreSQL manual, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	dataCorrupted        = "XX001"
	indexCorrupted       = "XX002"
	diskFull             = "53100"
	privilegeMissing     = "42501"
)

func lostRace(err error) bool {
	switch stateOf(err) {
	case serializationFailure, deadlockDetected:
		return true
	}
	return false
}

// explain names what an error of the server means and what to do. The address is
// told without its password.
func explain(config *pgx.ConnConfig, err error) error {
	switch stateOf(err) {
	case uniqueViolation:
		return fmt.Errorf("%w: %w", store.ErrExists, err)
	case dataCorrupted, indexCorrupted:
		return fmt.Errorf("%w: restore database %s from a backup: %w", store.ErrDamaged, config.Database, err)
	case diskFull:
		return fmt.Errorf("the disk of the database server is full: free some space: %w", err)
	case privilegeMissing:
		return fmt.Errorf("grant user %s the right to create and use tables in database %s: %w", config.User, config.Database, err)
	}
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: check that PostgreSQL runs at %s port %d and lets user %s into database %s: %w",
			store.ErrUnreachable, config.Host, config.Port, config.User, config.Database, err)
	}
	return err
}

func stateOf(err error) string {
	var failed *pgconn.PgError
	if errors.As(err, &failed) {
		return failed.Code
	}
	return ""
}
