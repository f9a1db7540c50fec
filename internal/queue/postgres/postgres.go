package postgres

import (
	"context"
	"embed"

	"lambent.dev/lambent/internal/queue/relational"
	"lambent.dev/lambent/internal/store/postgres"
)

// maxConnections bounds what one daemon takes of the server's max_connections: one writes,
// the others count.
const maxConnections = 4

//go:embed migrations/*.sql
var migrations embed.FS

// Open connects to the database that dsn names, as the store's postgres.Open, for an epoch
// of its own, and migrates it where needed.
func Open(ctx context.Context, dsn string, epoch int64) (*relational.Queue, error) {
	pool, dialect, err := postgres.Pool(dsn, maxConnections, migrations)
	if err != nil {
		return nil, err
	}
	dialect.Versions = "queue_db_version"
	return relational.Open(ctx, pool, pool, relational.Dialect{Dialect: dialect, SkipLocked: ` FOR UPDATE SKIP LOCKED`}, epoch)
}
