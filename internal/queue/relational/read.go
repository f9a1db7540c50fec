package relational

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"lambent.dev/lambent/internal/queue"
)

const (
	freeOfDead  = `UPDATE queue_items SET owner = 0 WHERE owner <> 0 AND owner NOT IN (%s)`
	selectStats = `SELECT (SELECT count(*) FROM queue_items WHERE grp = $1 AND owner = 0),
	(SELECT count(*) FROM queue_items WHERE grp = $1 AND owner <> 0),
	(SELECT min(due) FROM queue_items WHERE grp = $1 AND owner = 0)`
)

// Recover implements queue.Queue.
func (q *Queue) Recover(ctx context.Context, alive ...int64) (int, error) {
	args := []any{q.epoch}
	for _, epoch := range alive {
		args = append(args, epoch)
	}
	statement := fmt.Sprintf(freeOfDead, parameters(len(args)))
	var rows int64
	err := q.commit(ctx, &call{doing: "recovering the leases of dead owners", do: func(ctx context.Context, tx *sql.Tx) (err error) {
		rows, err = exec(ctx, tx, statement, args...)
		return err
	}})
	return int(rows), err
}

// parameters returns "$1, $2 …, $n".
func parameters(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(list, ", ")
}

// Stats implements queue.Queue.
func (q *Queue) Stats(ctx context.Context, group string) (queue.Stats, error) {
	var s queue.Stats
	var oldest sql.NullInt64
	err := q.read.QueryRowContext(ctx, selectStats, group).Scan(&s.Free, &s.Leased, &oldest)
	if oldest.Valid {
		s.Oldest = fromMicros(oldest.Int64)
	}
	return s, q.dialect.About("counting the queue", err)
}
