package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/storetest"
)

func placeIn(dir string, key byte) storetest.Place {
	return func(ctx context.Context) (store.Store, error) { return Open(ctx, dir, storetest.Key(key)) }
}

// The database, its WAL and its index, as they are on the disk.
func TestSecretsAreSealed(t *testing.T) {
	dir := t.TempDir()
	storetest.WantSealed(t, open1(t, dir), func() []byte { return filesIn(t, dir) })
}

func filesIn(t *testing.T, dir string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, FileName+"*"))
	if err != nil || len(names) < 3 {
		t.Fatalf("%v, %v: want the database and its WAL", names, err)
	}
	var all bytes.Buffer
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.Bytes()
}

// Rows are looked at here: free pages may hold the old bytes until they are used again.
func TestOldSecretsAreSealed(t *testing.T) {
	dir := t.TempDir()
	storetest.WantOldSealed(t, placeIn(dir, 1), executor(t, dir), func() []byte { return rowsIn(t, dir) })
}

func TestOldCodeIsCounted(t *testing.T) {
	dir := t.TempDir()
	var undo []string
	for _, table := range []string{"functions", "versions", "layer_versions"} {
		for _, event := range []string{"insert", "update", "delete"} {
			undo = append(undo, "DROP TRIGGER "+table+"_"+event)
		}
	}
	storetest.WantOldCounted(t, placeIn(dir, 1), executor(t, dir), undo...)
}

// executor runs statements on the file beside a store.
func executor(t *testing.T, dir string) func(statement string, args ...any) {
	return func(statement string, args ...any) {
		db, err := sql.Open("sqlite", filepath.Join(dir, FileName))
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.ExecContext(t.Context(), statement, args...)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func rowsIn(t *testing.T, dir string) []byte {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all []byte
	err = db.QueryRowContext(t.Context(), `SELECT group_concat(record) FROM (SELECT record FROM functions UNION ALL SELECT record FROM versions)`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAnotherKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	storetest.WantKeyHeld(t, placeIn(dir, 1), placeIn(dir, 2))
}
