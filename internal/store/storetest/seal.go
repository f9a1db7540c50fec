package storetest

import (
	"errors"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/vault"
)

// Key seals the secrets of stores in tests: the same key for the same number.
func Key(number byte) store.Sealer {
	key, err := vault.New([32]byte{number})
	if err != nil {
		panic(err) // the size is right
	}
	return key
}

// marker begins every secret of WantSealed.
const marker = "PLAIN-SECRET"

// WantSealed writes functions with secrets in every place that has any, changes them, and
// fails if what a back end has on its disk, as dump returns it, shows one.
func WantSealed(t *testing.T, s store.Store, dump func() []byte) {
	t.Helper()
	fn := filled("sealed")
	secret := func(v *lambda.Version, where string) {
		v.Environment = map[string]string{marker + "_NAME": marker + where}
	}
	secret(&fn.Latest, "latest")
	secret(fn.Serving, "serving")
	for i := range fn.Published {
		secret(&fn.Published[i], "published")
	}
	create(t, s, fn)
	_, err := s.UpdateFunction(t.Context(), fn.ID, func(f *lambda.Function) error {
		secret(&f.Latest, "updated")
		secret(&f.Published[0], "updated too")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	secret(&fn.Latest, "updated")
	secret(&fn.Published[0], "updated too")
	wantFunction(t, s, fn)
	found := string(dump())
	if !strings.Contains(found, "digest-of-sealed") {
		t.Error("the dump does not show what is there in the open")
	}
	if at := strings.Index(found, marker); at >= 0 {
		t.Errorf("a secret is in the open: %.100q", found[max(0, at-20):])
	}
}

// WantOldSealed opens a store in which exec, an SQL statement with its arguments, writes
// what an older Lambent wrote, and fails unless it reads it and seals it.
func WantOldSealed(t *testing.T, place Place, exec func(statement string, args ...any), dump func() []byte) {
	t.Helper()
	first := open(t, place)
	fn := lambda.Function{ID: ID("old"), Latest: lambda.Version{Version: lambda.Latest}}
	published := fn.Latest
	published.Version = "1"
	fn.Published = []lambda.Version{published}
	create(t, first, fn)
	exec(`UPDATE functions SET record = $1 WHERE name = 'old'`,
		`{"format":1,"latest":{"version":"$LATEST","timeoutSeconds":0,"memoryMiB":0,"tmpMiB":0,"environment":{"OLD":"`+marker+`"},"logging":{},"code":{"bytes":0},"generation":0}}`)
	exec(`UPDATE versions SET record = $1 WHERE name = 'old'`,
		`{"format":1,"version":{"version":"1","timeoutSeconds":0,"memoryMiB":0,"tmpMiB":0,"environment":{"OLD":"`+marker+`"},"logging":{},"code":{"bytes":0},"generation":0}}`)
	if !strings.Contains(string(dump()), marker) {
		t.Fatal("the old records are not there")
	}
	second := open(t, place)
	fn.Latest.Environment, fn.Published[0].Environment = map[string]string{"OLD": marker}, map[string]string{"OLD": marker}
	wantFunction(t, second, fn)
	if strings.Contains(string(dump()), marker) {
		t.Error("an old record is in the open after the opening")
	}
}

// WantKeyHeld fails unless a store that was opened with one key refuses another and then
// still has everything for the first.
func WantKeyHeld(t *testing.T, mine, other Place) {
	t.Helper()
	fn := filled("held")
	first := open(t, mine)
	create(t, first, fn)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := other(t.Context()); !errors.Is(err, store.ErrWrongKey) || !strings.Contains(err.Error(), "put the key file back") {
		t.Errorf("with another key: %v, want ErrWrongKey and what to do", err)
	}
	wantFunction(t, open(t, mine), fn)
}
