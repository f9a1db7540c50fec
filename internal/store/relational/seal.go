package relational

import (
	"context"
	"database/sql"
	"fmt"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

const (
	insertKey = `INSERT INTO sealing_key (one, id) VALUES (1, $1) ON CONFLICT DO NOTHING`
	selectKey = `SELECT id FROM sealing_key`

	// A record begins with its format.
	selectOld = `SELECT account, region, name FROM functions WHERE CAST(record AS text) LIKE '{"format":1,%'
UNION SELECT account, region, name FROM versions WHERE CAST(record AS text) LIKE '{"format":1,%'`
)

// checkKey holds a store to the key that sealed its secrets first: another would make
// records that the first cannot read, and read none of those that are there.
func (s *Store) checkKey(ctx context.Context) error {
	var id string
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, insertKey, s.sealer.ID()); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, selectKey).Scan(&id)
	})
	if err != nil || id == s.sealer.ID() {
		return err
	}
	return fmt.Errorf("%w: the environments of its functions were sealed with key %.40q, and the key file holds %q: "+
		"put the key file back that belongs to this store; without it only deleting and creating the functions helps", store.ErrWrongKey, id, s.sealer.ID())
}

// sealOld writes functions anew that an older Lambent wrote with their secrets in the open.
func (s *Store) sealOld(ctx context.Context) error {
	old, err := s.oldRecords(ctx)
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := s.transact(ctx, func(tx *sql.Tx) error { return s.rewrite(ctx, tx, id) }); err != nil {
			return fmt.Errorf("sealing the environment of %s: %w", id.ARN(), err)
		}
	}
	return nil
}

func (s *Store) oldRecords(ctx context.Context) (ids []lambda.FunctionID, err error) {
	rows, err := s.read.QueryContext(ctx, selectOld)
	if err != nil {
		return nil, err
	}
	defer rows.Close() // Err tells
	for rows.Next() {
		var id lambda.FunctionID
		if err := rows.Scan(&id.Account, &id.Region, &id.Name); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func (s *Store) rewrite(ctx context.Context, tx *sql.Tx, id lambda.FunctionID) error {
	var name string
	row := tx.QueryRowContext(ctx, lockFunction+s.dialect.LockRow, id.Account, id.Region, id.Name)
	if err := row.Scan(&name); err != nil {
		return orNotFound(err)
	}
	fn, err := s.one(ctx, tx, id)
	if err != nil {
		return err
	}
	return s.save(ctx, tx, lambda.Function{ID: id}, fn)
}
