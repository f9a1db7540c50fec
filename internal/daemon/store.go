package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/postgres"
	"lambent.dev/lambent/internal/store/sqlite"
	"lambent.dev/lambent/internal/vault"
)

// probeLimit bounds a look at what the host offers: a guest boots for that, which takes some seconds
// where its processor is emulated, and many where the host is busy besides.
const probeLimit = 2 * time.Minute

var errProbeTookTooLong = errors.New("looking at what the host offers took too long")

// functionStore is a store of either kind.
type functionStore = store.Store

// keyFileName is the key file's name in the data folder.
const keyFileName = "secret.key"

// openStore opens the store with the key that seals secrets in it. A key that was made
// for a store that has one already is taken away again: it sealed nothing, and would
// stand where the right one belongs.
func openStore(ctx context.Context, cfg config.Config) (functionStore, error) {
	path := cmp.Or(cfg.KeyFile, filepath.Join(cfg.Data, keyFileName))
	key, made, err := vault.Load(path)
	if err != nil {
		return nil, err
	}
	s, err := openDatabase(ctx, cfg, key)
	if err == nil {
		return s, nil
	}
	if made && errors.Is(err, store.ErrWrongKey) {
		return nil, errors.Join(fmt.Errorf("there is no key file %s: %w", path, err), os.Remove(path))
	}
	return nil, fmt.Errorf("with key file %s: %w", path, err)
}

// openDatabase opens PostgreSQL where the settings name one, else SQLite in the data folder.
func openDatabase(ctx context.Context, cfg config.Config, key *vault.Key) (functionStore, error) {
	if inPostgres(cfg) {
		return postgres.Open(ctx, cfg.Store, key)
	}
	return sqlite.Open(ctx, cfg.Data, key)
}

func inPostgres(cfg config.Config) bool {
	return strings.HasPrefix(cfg.Store, "postgres://") || strings.HasPrefix(cfg.Store, "postgresql://")
}
