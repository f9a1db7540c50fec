package daemon

import (
	"context"
	"errors"
	"strings"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/postgres"
	"lambent.dev/lambent/internal/store/sqlite"
)

var errProbeTookTooLong = errors.New("looking at what the host offers took too long")

// functionStore is a store of either kind.
type functionStore = store.Store

// openStore opens PostgreSQL where the settings name one, else SQLite in the data folder.
func openStore(ctx context.Context, cfg config.Config) (functionStore, error) {
	if inPostgres(cfg) {
		return postgres.Open(ctx, cfg.Store)
	}
	return sqlite.Open(ctx, cfg.Data)
}

func inPostgres(cfg config.Config) bool {
	return strings.HasPrefix(cfg.Store, "postgres://") || strings.HasPrefix(cfg.Store, "postgresql://")
}
