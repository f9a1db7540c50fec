package postgres_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"testing"

	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/postgres"
	"lambent.dev/lambent/internal/store/postgrestest"
	"lambent.dev/lambent/internal/store/storetest"
)

func testSealed(t *testing.T, server *postgrestest.Server) {
	place := func(dsn string, key byte) storetest.Place {
		return func(ctx context.Context) (store.Store, error) { return postgres.Open(ctx, dsn, storetest.Key(key)) }
	}
	t.Run("New", func(t *testing.T) {
		dsn := server.Database(t)
		s, err := place(dsn, 1)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		storetest.WantSealed(t, s, func() []byte { return rowsIn(t, dsn) })
	})
	t.Run("Old", func(t *testing.T) {
		dsn := server.Database(t)
		storetest.WantOldSealed(t, place(dsn, 1), executor(t, dsn), func() []byte { return rowsIn(t, dsn) })
	})
	t.Run("Key", func(t *testing.T) {
		dsn := server.Database(t)
		storetest.WantKeyHeld(t, place(dsn, 1), place(dsn, 2))
	})
}

func testOldCodeIsCounted(t *testing.T, dsn string) {
	place := func(ctx context.Context) (store.Store, error) { return postgres.Open(ctx, dsn, storetest.Key(1)) }
	storetest.WantOldCounted(t, place, executor(t, dsn), `DROP TRIGGER functions_code ON functions`,
		`DROP TRIGGER versions_code ON versions`, `DROP TRIGGER layer_versions_code ON layer_versions`, `DROP FUNCTION count_code`)
}

// executor runs statements beside a store.
func executor(t *testing.T, dsn string) func(statement string, args ...any) {
	return func(statement string, args ...any) {
		db := connect(t, dsn)
		_, err := db.ExecContext(t.Context(), statement, args...)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func connect(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// rowsIn is every row of every table, as text.
func rowsIn(t *testing.T, dsn string) []byte {
	t.Helper()
	db := connect(t, dsn)
	defer db.Close()
	var all bytes.Buffer
	for _, table := range []string{"functions", "versions", "layers", "layer_versions", "layer_uses", "sealing_key"} {
		var rows sql.NullString
		if err := db.QueryRowContext(t.Context(), `SELECT string_agg(t::text, ' ') FROM `+table+` t`).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		all.WriteString(rows.String)
	}
	return all.Bytes()
}
