package relational

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"lambent.dev/lambent/internal/queue"
)

// Every step of these goes down an index: a long backlog of one function is not read to
// find the others. The first walks from function to function ("loose index scan").
const (
	selectLines = `WITH RECURSIVE line (function) AS (
	SELECT min(function) FROM queue_items WHERE grp = $1 AND owner = 0
	UNION ALL
	SELECT (SELECT min(function) FROM queue_items WHERE grp = $1 AND owner = 0 AND function > line.function)
	FROM line WHERE line.function IS NOT NULL
)
SELECT function, (SELECT min(due) FROM queue_items WHERE grp = $1 AND owner = 0 AND function = line.function)
FROM line WHERE function IS NOT NULL`

	selectDue = `SELECT id FROM queue_items WHERE grp = $1 AND owner = 0 AND function = $2 AND due <= $3
ORDER BY due, id LIMIT $4`
	leaseItem = `UPDATE queue_items SET owner = $2, attempts = attempts + 1 WHERE id = $1 AND owner = 0`
	readItem  = `SELECT i.due, i.attempts, b.body FROM queue_items i JOIN queue_bodies b ON b.id = i.id WHERE i.id = $1`
)

// take is one Take in its transaction.
type take struct {
	*Queue
	queue.Request
	tx    *sql.Tx
	taken queue.Taken
	held  map[string]int // taken here, by function
	last  string         // function of the last lease
}

// line is a function with free items.
type line struct {
	function string
	due      time.Time // of the earliest
}

// Take implements queue.Queue.
func (q *Queue) Take(ctx context.Context, r queue.Request) (queue.Taken, error) {
	var t *take
	err := q.commit(ctx, &call{doing: "taking from the queue", do: func(ctx context.Context, tx *sql.Tx) error {
		t = &take{Queue: q, Request: r, tx: tx, held: map[string]int{}}
		return t.run(ctx)
	}})
	if err != nil {
		return queue.Taken{}, err
	}
	return t.taken, nil
}

func (t *take) run(ctx context.Context) error {
	lines, err := t.due(ctx)
	if err != nil {
		return err
	}
	for rest := t.Limit; rest > 0 && len(lines) > 0; rest = t.Limit - len(t.taken.Leases) {
		if lines, err = t.round(ctx, lines, max(1, rest/len(lines))); err != nil {
			return err
		}
	}
	if t.last != "" {
		t.after[t.Group] = t.last
	}
	return nil
}

// due returns the functions that have something due, those after the one that was served
// last first, and notes when others will have.
func (t *take) due(ctx context.Context) ([]line, error) {
	lines, err := t.lines(ctx)
	if err != nil {
		return nil, err
	}
	lines = slices.DeleteFunc(lines, func(l line) bool {
		if !l.due.After(t.Now) {
			return false
		}
		if t.taken.Next.IsZero() || l.due.Before(t.taken.Next) {
			t.taken.Next = l.due
		}
		return true
	})
	after := t.after[t.Group]
	first := slices.IndexFunc(lines, func(l line) bool { return l.function > after })
	if first <= 0 {
		return lines, nil
	}
	return slices.Concat(lines[first:], lines[:first]), nil
}

func (t *take) lines(ctx context.Context) (lines []line, err error) {
	rows, err := t.tx.QueryContext(ctx, selectLines, t.Group)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l line
		var due int64
		if err := rows.Scan(&l.function, &due); err != nil {
			return nil, err
		}
		l.due = fromMicros(due)
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.function, b.function) })
	return lines, rows.Err()
}

// round takes up to share items of each function and returns those that may have more.
func (t *take) round(ctx context.Context, lines []line, share int) ([]line, error) {
	var again []line
	for _, l := range lines {
		n := min(share, t.room(l.function), t.Limit-len(t.taken.Leases))
		if n <= 0 {
			continue
		}
		got, err := t.from(ctx, l.function, n)
		if err != nil {
			return nil, err
		}
		if got == n {
			again = append(again, l)
		}
	}
	return again, nil
}

func (t *take) room(function string) int {
	if t.Room == nil {
		return math.MaxInt
	}
	return t.Room(function) - t.held[function]
}

// from leases up to n items of a function.
func (t *take) from(ctx context.Context, function string, n int) (int, error) {
	ids, err := t.free(ctx, function, n)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := t.lease(ctx, id, function); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

func (t *take) free(ctx context.Context, function string, n int) (ids []int64, err error) {
	rows, err := t.tx.QueryContext(ctx, selectDue+t.dialect.SkipLocked, t.Group, function, micros(t.Now), n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func (t *take) lease(ctx context.Context, id int64, function string) error {
	if _, err := t.tx.ExecContext(ctx, leaseItem, id, t.epoch); err != nil {
		return err
	}
	l := queue.Lease{ID: id, Owner: t.epoch, Item: queue.Item{Group: t.Group, Function: function}}
	var due int64
	if err := t.tx.QueryRowContext(ctx, readItem, id).Scan(&due, &l.Attempts, &l.Body); err != nil {
		return err
	}
	l.Due = fromMicros(due)
	t.taken.Leases = append(t.taken.Leases, l)
	t.held[function]++
	t.last = function
	return nil
}
