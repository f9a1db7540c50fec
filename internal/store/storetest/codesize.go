package storetest

import (
	"errors"
	"math/rand/v2"
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// Every version and every layer counts, in all regions; another account's do not.
func testCodeSize(t *testing.T, place Place) {
	s := open(t, place)
	sized := func(id lambda.FunctionID, latest int64, published ...int64) lambda.Function {
		fn := filled(id.Name)
		fn.ID, fn.Latest.Code.Size, fn.Published = id, latest, fn.Published[:len(published)]
		for i, n := range published {
			fn.Published[i].Code.Size = n
		}
		return fn
	}
	far, foreign := ID("far"), ID("foreign")
	far.Region, foreign.Account = "us-east-1", "999999999999"
	wantSize(t, s, account, 0)
	create(t, s, sized(ID("near"), 1, 10, 100), sized(far, 1000), sized(foreign, 7, 70))
	l := layer("l")
	l.Code.Size = 10_000
	if _, err := s.PublishLayer(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantSize(t, s, account, 11_111)
	wantSize(t, s, foreign.Account, 77)
	if _, err := s.UpdateFunction(t.Context(), ID("near"), func(fn *lambda.Function) error {
		fn.Latest.Code.Size, fn.Published = 2, fn.Published[1:]
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wantSize(t, s, account, 11_102)
	if _, err := s.DeleteLayer(t.Context(), l.ID, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteFunction(t.Context(), ID("near")); err != nil {
		t.Fatal(err)
	}
	wantSize(t, s, account, 1000)
}

// testCodeSizeFollows compares what is counted on the way with what is there after many changes.
func testCodeSizeFollows(t *testing.T, place Place) {
	s, random := open(t, place), rand.New(rand.NewPCG(1, 2))
	resize := func(fn *lambda.Function) error {
		fn.Latest.Code.Size = random.Int64N(3) // often 0, often the same
		fn.Published = filled(fn.ID.Name).Published[:random.IntN(3)]
		for i := range fn.Published {
			fn.Published[i].Code.Size = random.Int64N(1000)
		}
		return nil
	}
	for range 200 {
		id := ID(string(rune('a' + random.IntN(4))))
		_, err := s.UpdateFunction(t.Context(), id, resize)
		switch {
		case errors.Is(err, store.ErrNotFound):
			err = s.CreateFunction(t.Context(), filled(id.Name))
		case err == nil && random.IntN(4) == 0:
			err = s.DeleteFunction(t.Context(), id)
		}
		if err != nil {
			t.Fatal(err)
		}
		wantSize(t, s, account, sizeOfAll(t, s))
	}
}

// sizeOfAll adds up the code of all functions.
func sizeOfAll(t *testing.T, s store.Store) (size int64) {
	t.Helper()
	err := s.All(t.Context(), func(fn lambda.Function) error {
		size += fn.CodeSize()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// WantOldCounted opens a store, puts it back with undo, SQL statements for exec, to a schema that counted
// neither code nor claims, and fails unless what is there is counted by who opens it next.
func WantOldCounted(t *testing.T, place Place, exec func(statement string, args ...any), undo ...string) {
	t.Helper()
	first := open(t, place)
	create(t, first, claiming("old", 7), claiming("older", -1, 2, 3), claiming("oldest", -1))
	publishLayer(t, first, "old", 2)
	want, err := first.CodeSize(t.Context(), account)
	if err != nil || want == 0 {
		t.Fatalf("%d bytes, %v", want, err)
	}
	for _, statement := range append(undo, `DROP TABLE code_sizes`, `DELETE FROM goose_db_version WHERE version_id >= 7`,
		`DROP INDEX functions_claimed`, `ALTER TABLE functions DROP COLUMN claimed`,
		`CREATE INDEX functions_bytes ON functions (account, bytes)`, `CREATE INDEX versions_bytes ON versions (account, bytes)`,
		`CREATE INDEX layer_versions_bytes ON layer_versions (account, bytes)`) {
		exec(statement)
	}
	second := open(t, place)
	wantSize(t, second, account, want)
	wantUsage(t, second, ID("old"), 3, 7+2+3)
	if err := second.DeleteFunction(t.Context(), ID("old")); err != nil {
		t.Fatal(err)
	}
	old := filled("old")
	wantSize(t, second, account, want-old.CodeSize())
}

func wantSize(t *testing.T, s store.Store, account string, want int64) {
	t.Helper()
	if got, err := s.CodeSize(t.Context(), account); err != nil || got != want {
		t.Errorf("the code of %s has %d bytes, %v, want %d", account, got, err, want)
	}
}
