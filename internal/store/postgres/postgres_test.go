package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/postgres"
	"lambent.dev/lambent/internal/store/postgrestest"
	"lambent.dev/lambent/internal/store/storetest"
)

// One server for all: it takes longer to start than the tests take.
func TestPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	t.Run("Suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Place {
			dsn := server.Database(t)
			return func(ctx context.Context) (store.Store, error) { return postgres.Open(ctx, dsn, storetest.Key(1)) }
		})
	})
	t.Run("Sealed", func(t *testing.T) { testSealed(t, server) })
	t.Run("OldCode", func(t *testing.T) { testOldCodeIsCounted(t, server.Database(t)) })
	t.Run("NewerSchema", func(t *testing.T) { testNewerSchema(t, server.Database(t)) })
	t.Run("ConnectionsLost", func(t *testing.T) { testConnectionsLost(t, server.Database(t)) })
	t.Run("NoRights", func(t *testing.T) { testNoRights(t, server.Database(t)) })
	t.Run("NoDatabase", func(t *testing.T) {
		_, err := postgres.Open(t.Context(), strings.Replace(server.Database(t), "dbname=", "dbname=no", 1), storetest.Key(1))
		wantUnreachable(t, err, "database notest")
	})
}

func TestNobodyListens(t *testing.T) {
	_, err := postgres.Open(t.Context(), "postgres://lambent:hidden@127.0.0.1:1/lambent", storetest.Key(1))
	wantUnreachable(t, err, "127.0.0.1 port 1")
	if strings.Contains(fmt.Sprint(err), "hidden") {
		t.Errorf("the password is in the error: %v", err)
	}
}

func TestBadAddress(t *testing.T) {
	_, err := postgres.Open(t.Context(), "postgres://lambent:hidden@%%%/lambent", storetest.Key(1))
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("err = %v, want one without the password", err)
	}
}

func wantUnreachable(t *testing.T, err error, text string) {
	t.Helper()
	if !errors.Is(err, store.ErrUnreachable) || !strings.Contains(fmt.Sprint(err), text) {
		t.Errorf("err = %v, want ErrUnreachable naming %q", err, text)
	}
}

func testNewerSchema(t *testing.T, dsn string) {
	s, err := postgres.Open(t.Context(), dsn, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, dsn, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`)
	if _, err := postgres.Open(t.Context(), dsn, storetest.Key(1)); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("err = %v, want ErrNewerSchema", err)
	}
}

// The server was restarted, or an administrator ended the sessions: the next calls go
// through on new ones.
func testConnectionsLost(t *testing.T, dsn string) {
	s, err := postgres.Open(t.Context(), dsn, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fn := lambda.Function{ID: storetest.ID("kept")}
	if err := s.CreateFunction(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
	for _, call := range []func() error{
		func() error { _, err := s.Function(t.Context(), fn.ID); return err },
		func() error {
			_, err := s.UpdateFunction(t.Context(), fn.ID, func(*lambda.Function) error { return nil })
			return err
		},
	} {
		run(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if err := call(); err != nil {
			t.Errorf("after the sessions were ended: %v", err)
		}
	}
}

func testNoRights(t *testing.T, dsn string) {
	run(t, dsn, `CREATE ROLE guest LOGIN`)
	_, err := postgres.Open(t.Context(), strings.Replace(dsn, "user=lambent", "user=guest", 1), storetest.Key(1))
	if err == nil || !strings.Contains(err.Error(), "grant user guest") {
		t.Errorf("err = %v, want one that says what to grant", err)
	}
}

func run(t *testing.T, dsn, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
