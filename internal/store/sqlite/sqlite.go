package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/relational"
)

// FileName is the database's name in the data folder.
const FileName = "control.db"

// BusyTimeout is how long a call waits for another process to let go of the file.
const BusyTimeout = 5 * time.Second

// maxReaders bounds the pool of reading connections: each maps memory of its own.
const maxReaders = 8

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens control.db in dir, which must exist, and makes or migrates it where
// needed. Only the owner can read the file, and environment variables are sealed in it.
func Open(ctx context.Context, dir string, sealer store.Sealer) (*relational.Store, error) {
	return open(ctx, filepath.Join(dir, FileName), BusyTimeout, sealer)
}

func open(ctx context.Context, path string, busy time.Duration, sealer store.Sealer) (*relational.Store, error) {
	write, read, err := Pools(path, busy)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	s, err := relational.Open(ctx, write, read, Dialect(path, migrations), sealer)
	if err != nil {
		return nil, Diagnose(ctx, path, err)
	}
	return s, nil
}

// Pools returns the one connection that writes a database file, and those that read it.
// A missing file is made, for its owner only. busy bounds the wait for other processes.
func Pools(path string, busy time.Duration) (write, read *sql.DB, err error) {
	if err := create(path); err != nil {
		return nil, nil, fmt.Errorf("creating the database: %w", err)
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	if write, err = connect(path, busy, "_txlock=immediate&_pragma=journal_mode(WAL)"); err != nil {
		return nil, nil, err
	}
	undo.Add(write.Close)
	write.SetMaxOpenConns(1)
	if read, err = connect(path, busy, "_pragma=query_only(1)"); err != nil {
		return nil, nil, err
	}
	read.SetMaxOpenConns(min(maxReaders, 2*runtime.GOMAXPROCS(0)))
	undo.Release()
	return write, read, nil
}

// Diagnose looks for damage behind an error of opening: SQLite reports a damaged
// schema or version table in other words.
func Diagnose(ctx context.Context, path string, err error) error {
	if errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrNewerSchema) || errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrWrongKey) {
		return err
	}
	db, failed := connect(path, 0, "_pragma=query_only(1)")
	if failed != nil {
		return err
	}
	defer func() { _ = db.Close() }() // it only read
	verdict := ""
	failed = db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	if failed == nil && verdict != "ok" {
		return damaged(path, fmt.Errorf("%s: %w", verdict, err))
	}
	return errors.Join(err, explain(path, failed))
}

// create makes an empty database that only the owner reads; SQLite gives its -wal and
// -shm the same mode. An existing file is not opened: closing it would drop the
// POSIX locks that SQLite may hold on it in this process (fcntl(2)).
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connect returns a pool. busy_timeout stands first: the pragmas after it may wait.
func connect(path string, busy time.Duration, parameters string) (*sql.DB, error) {
	name := url.URL{Scheme: "file", OmitHost: true, Path: path}
	dsn := fmt.Sprintf("%s?_pragma=busy_timeout(%d)&%s&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)",
		name.String(), busy.Milliseconds(), parameters)
	return sql.Open("sqlite", dsn)
}

// Dialect is SQLite's, for the database file at path with the schema in the folder
// migrations of an embedded file system.
func Dialect(path string, schema embed.FS) relational.Dialect {
	files, err := fs.Sub(schema, "migrations")
	if err != nil {
		panic(err) // the folder is embedded: only a broken build lacks it
	}
	return relational.Dialect{
		Name:       goose.DialectSQLite3,
		Migrations: files,
		Alone:      func(ctx context.Context, _ *sql.DB) (func() error, error) { return alone(ctx, path+".lock") },
		Explain:    func(err error) error { return explain(path, err) },
		// The one writing connection begins with the lock: there is no race to lose.
		Retry: func(error) bool { return false },
	}
}
