package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// Dialect is what differs between databases.
type Dialect struct {
	Name       goose.Dialect
	Migrations fs.FS // numbered goose files
	// Versions is the table that holds which migrations were made; "" is goose's own. Two
	// schemas in one database need two.
	Versions string
	// Alone keeps other processes from migrating until release.
	Alone   func(ctx context.Context, db *sql.DB) (release func() error, err error)
	LockRow string // appended to a SELECT that must keep its rows from other writers
	// Explain wraps an error of the driver with one of package store's, and with what a
	// person can do. Errors that it does not know come back as they are.
	Explain func(error) error
	// Retry says whether the transaction lost a race and can simply be run again.
	Retry func(error) bool
}

// Store implements store.Store.
type Store struct {
	write, read *sql.DB // may be the same
	dialect     Dialect
	sealer      store.Sealer
}

var _ store.Store = (*Store)(nil)

// Open migrates the database to the newest schema and returns the store. It owns both
// pools from here on, also when it fails. A newer schema than this program's is
// refused with store.ErrNewerSchema and left as it is, and so is a store whose secrets
// another key sealed, with store.ErrWrongKey.
func Open(ctx context.Context, write, read *sql.DB, d Dialect, sealer store.Sealer) (*Store, error) {
	s := &Store{write: write, read: read, dialect: d, sealer: sealer}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(s.explain("opening the store", err), s.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) error {
	if err := s.dialect.Migrate(ctx, s.write); err != nil {
		return err
	}
	if err := s.checkKey(ctx); err != nil {
		return err
	}
	return s.sealOld(ctx)
}

// Migrate brings a database to the newest schema. A newer one than this program's is
// refused with store.ErrNewerSchema and left as it is.
func (d Dialect) Migrate(ctx context.Context, db *sql.DB) (err error) {
	release, err := d.Alone(ctx, db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	// Without goose's registry of Go migrations: it is global.
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.Versions != "" {
		options = append(options, goose.WithTableName(d.Versions))
	}
	migrations, err := goose.NewProvider(d.Name, db, d.Migrations, options...)
	if err != nil {
		return err
	}
	have, want, err := migrations.GetVersions(ctx)
	if err != nil || have == want {
		return err
	}
	if have > want {
		return fmt.Errorf("%w: its schema is %d, this one knows %d: run the newer version again, or restore the backup made before the upgrade",
			store.ErrNewerSchema, have, want)
	}
	_, err = migrations.Up(ctx)
	return err
}

// Close implements store.Store.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(s.read.Close(), err)
	}
	return err
}

func (s *Store) explain(doing string, err error) error { return s.dialect.About(doing, err) }

// About wraps an error, if there is one, with what was being done and what Explain knows
// of it. database/sql has no sentinel for a closed pool; its text is the documented one of
// sql.DB.
func (d Dialect) About(doing string, err error) error {
	if err == nil {
		return nil
	}
	if err.Error() == "sql: database is closed" {
		err = store.ErrClosed
	}
	return fmt.Errorf("%s: %w", doing, d.Explain(err))
}

func about(verb string, id lambda.FunctionID) string { return verb + " " + id.ARN() }
