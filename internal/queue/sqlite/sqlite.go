package sqlite

import (
	"context"
	"embed"
	"fmt"
	"path/filepath"

	"lambent.dev/lambent/internal/queue/relational"
	"lambent.dev/lambent/internal/store/sqlite"
)

// FileName is the database's name in the data folder.
const FileName = "queue.db"

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens queue.db in dir, which must exist, for an epoch of its own, and makes or
// migrates the file where needed. Only its owner can read it: events may hold secrets.
func Open(ctx context.Context, dir string, epoch int64) (*relational.Queue, error) {
	path := filepath.Join(dir, FileName)
	write, read, err := sqlite.Pools(path, sqlite.BusyTimeout)
	if err != nil {
		return nil, fmt.Errorf("opening the queue: %w", err)
	}
	q, err := relational.Open(ctx, write, read, relational.Dialect{Dialect: sqlite.Dialect(path, migrations)}, epoch)
	if err != nil {
		return nil, sqlite.Diagnose(ctx, path, err)
	}
	return q, nil
}
