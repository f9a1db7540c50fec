package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// A lost key is told with what to do, and nothing is deleted or put in its place: with
// the key back everything is there.
func TestLostKey(t *testing.T) {
	cfg := config.Config{Data: t.TempDir()}
	fn := lambda.Function{ID: lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "kept"}}
	fn.Latest.Environment = map[string]string{"NAME": "s3cret"}
	s, err := openStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.CreateFunction(t.Context(), fn), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cfg.Data, keyFileName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	_, err = openStore(t.Context(), cfg)
	if !errors.Is(err, store.ErrWrongKey) || !strings.Contains(err.Error(), "there is no key file "+path) || !strings.Contains(err.Error(), "put the key file back") {
		t.Errorf("without the key: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another key stands in the place of the lost one: %v", err)
	}
	cfg.KeyFile = path + ".away" // a place of one's own
	s, err = openStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Function(t.Context(), fn.ID); err != nil || got.Latest.Environment["NAME"] != "s3cret" {
		t.Errorf("with the key back: %v, %v", got.Latest.Environment, err)
	}
}
