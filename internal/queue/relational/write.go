package relational

import (
	"context"
	"database/sql"
	"time"

	"lambent.dev/lambent/internal/queue"
)

const (
	insertItem = `INSERT INTO queue_items (id, grp, function, due, owner, attempts) VALUES ($1, $2, $3, $4, 0, 0)`
	insertBody = `INSERT INTO queue_bodies (id, body) VALUES ($1, $2)`
	// The body goes with its item by the foreign key.
	deleteItem = `DELETE FROM queue_items WHERE id = $1 AND owner = $2`
	freeItem   = `UPDATE queue_items SET owner = 0, due = $3 WHERE id = $1 AND owner = $2`
)

// Put implements queue.Queue.
func (q *Queue) Put(ctx context.Context, item queue.Item) error {
	if err := queue.Check(item); err != nil {
		return err
	}
	id, body := q.nextID(), item.Body
	if body == nil {
		body = []byte{} // NULL is another thing
	}
	return q.commit(ctx, &call{doing: "putting an item into the queue", size: len(body), do: func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, insertItem, id, item.Group, item.Function, micros(item.Due)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, insertBody, id, body)
		return err
	}})
}

// Done implements queue.Queue.
func (q *Queue) Done(ctx context.Context, l queue.Lease) error {
	return q.end(ctx, "ending an item of the queue", deleteItem, l.ID, l.Owner)
}

// Return implements queue.Queue.
func (q *Queue) Return(ctx context.Context, l queue.Lease, due time.Time) error {
	return q.end(ctx, "returning an item to the queue", freeItem, l.ID, l.Owner, micros(due))
}

// end runs a statement that must meet the one row of a lease.
func (q *Queue) end(ctx context.Context, doing, statement string, args ...any) error {
	var rows int64
	err := q.commit(ctx, &call{doing: doing, do: func(ctx context.Context, tx *sql.Tx) (err error) {
		rows, err = exec(ctx, tx, statement, args...)
		return err
	}})
	if err == nil && rows == 0 {
		err = q.dialect.About(doing, queue.ErrLost)
	}
	return err
}

// exec returns how many rows a statement met.
func exec(ctx context.Context, tx *sql.Tx, statement string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
