package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// maxTries bounds how often a transaction that lost a race is run again.
const maxTries = 10

const (
	insertFunction = `INSERT INTO functions (account, region, name, digest, record, serving, bytes, claimed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	updateFunction = `UPDATE functions SET digest = $4, record = $5, serving = $6, bytes = $7, claimed = $8 WHERE account = $1 AND region = $2 AND name = $3`
	deleteFunction = `DELETE FROM functions WHERE account = $1 AND region = $2 AND name = $3`
	lockFunction   = `SELECT name FROM functions WHERE account = $1 AND region = $2 AND name = $3`

	putVersion = `INSERT INTO versions (account, region, name, version, digest, record, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account, region, name, version) DO UPDATE SET digest = excluded.digest, record = excluded.record, bytes = excluded.bytes`
	deleteVersion = `DELETE FROM versions WHERE account = $1 AND region = $2 AND name = $3 AND version = $4`

	nextEpoch = `UPDATE epoch SET value = value + 1 RETURNING value`
)

// CreateFunction implements store.Store.
func (s *Store) CreateFunction(ctx context.Context, fn lambda.Function) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if err := s.putFunction(ctx, tx, insertFunction, lambda.Function{ID: fn.ID}, fn); err != nil {
			return err
		}
		return s.putVersions(ctx, tx, lambda.Function{ID: fn.ID}, fn)
	})
	return s.explain(about("creating", fn.ID), err)
}

// UpdateFunction implements store.Store.
func (s *Store) UpdateFunction(ctx context.Context, id lambda.FunctionID, change func(*lambda.Function) error) (lambda.Function, error) {
	var fn lambda.Function
	var refused error // what change returned: it goes back unwrapped
	err := s.transact(ctx, func(tx *sql.Tx) (err error) {
		fn, refused, err = s.update(ctx, tx, id, change)
		return errors.Join(refused, err)
	})
	if refused != nil {
		return lambda.Function{}, refused
	}
	if err != nil {
		return lambda.Function{}, s.explain(about("updating", id), err)
	}
	return fn, nil
}

// update runs change between reading and writing. The row is locked first, in a
// statement of its own: only then does the read see what the last owner of the
// lock committed.
func (s *Store) update(ctx context.Context, tx *sql.Tx, id lambda.FunctionID, change func(*lambda.Function) error) (_ lambda.Function, refused, err error) {
	var name string
	row := tx.QueryRowContext(ctx, lockFunction+s.dialect.LockRow, id.Account, id.Region, id.Name)
	if err := row.Scan(&name); err != nil {
		return lambda.Function{}, nil, orNotFound(err)
	}
	before, err := s.one(ctx, tx, id)
	if err != nil {
		return lambda.Function{}, nil, err
	}
	after, err := s.one(ctx, tx, id) // a copy that shares nothing with before
	if err != nil {
		return lambda.Function{}, nil, err
	}
	if refused = change(&after); refused != nil {
		return lambda.Function{}, refused, nil
	}
	return after, nil, s.save(ctx, tx, before, after)
}

func (s *Store) save(ctx context.Context, tx *sql.Tx, before, after lambda.Function) error {
	if after.ID != before.ID {
		return fmt.Errorf("the update would rename it to %s", after.ID.ARN())
	}
	if err := s.putFunction(ctx, tx, updateFunction, before, after); err != nil {
		return err
	}
	return s.putVersions(ctx, tx, before, after)
}

func (s *Store) putFunction(ctx context.Context, tx *sql.Tx, statement string, before, fn lambda.Function) error {
	doc, err := store.EncodeFunction(fn, s.sealer)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, statement, fn.ID.Account, fn.ID.Region, fn.ID.Name, fn.Latest.Code.Digest, string(doc), fn.Runs().Code.Digest,
		fn.Latest.Code.Size, fn.ClaimedConcurrency())
	if err != nil {
		return err
	}
	return putLayerUses(ctx, tx, fn.ID, latestRow, layersOfLatest(before), layersOfLatest(fn))
}

// putVersions writes the published versions that differ and deletes those that are
// gone: a function may have hundreds, and an update rarely touches one.
func (s *Store) putVersions(ctx context.Context, tx *sql.Tx, before, after lambda.Function) error {
	old, err := byNumber(before)
	if err != nil {
		return err
	}
	now, err := byNumber(after)
	if err != nil {
		return err
	}
	for number, v := range now {
		if was, known := old[number]; known && store.SameVersion(was, v) {
			continue
		}
		if err := s.putVersion(ctx, tx, after.ID, number, v); err != nil {
			return err
		}
		if err := putLayerUses(ctx, tx, after.ID, number, old[number].Layers, v.Layers); err != nil {
			return err
		}
	}
	return deleteVersions(ctx, tx, after.ID, old, now)
}

func (s *Store) putVersion(ctx context.Context, tx *sql.Tx, id lambda.FunctionID, number int64, v lambda.Version) error {
	doc, err := store.EncodeVersion(id, v, s.sealer)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, putVersion, id.Account, id.Region, id.Name, number, v.Code.Digest, string(doc), v.Code.Size)
	return err
}

func deleteVersions(ctx context.Context, tx *sql.Tx, id lambda.FunctionID, old, now map[int64]lambda.Version) error {
	for number := range old {
		if _, kept := now[number]; kept {
			continue
		}
		if _, err := tx.ExecContext(ctx, deleteVersion, id.Account, id.Region, id.Name, number); err != nil {
			return err
		}
		if err := putLayerUses(ctx, tx, id, number, old[number].Layers, nil); err != nil {
			return err
		}
	}
	return nil
}

// byNumber returns the published versions by number.
func byNumber(fn lambda.Function) (map[int64]lambda.Version, error) {
	versions := make(map[int64]lambda.Version, len(fn.Published))
	for _, v := range fn.Published {
		number, err := strconv.ParseInt(v.Version, 10, 64)
		if err != nil || number < 1 {
			return nil, fmt.Errorf("published version %q is not a positive number", v.Version)
		}
		versions[number] = v
	}
	return versions, nil
}

// DeleteFunction implements store.Store. The versions go with their function by
// the foreign key.
func (s *Store) DeleteFunction(ctx context.Context, id lambda.FunctionID) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, deleteFunction, id.Account, id.Region, id.Name)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return store.ErrNotFound
	})
	return s.explain(about("deleting", id), err)
}

// NextEpoch implements store.Store.
func (s *Store) NextEpoch(ctx context.Context) (int64, error) {
	var epoch int64
	err := s.transact(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, nextEpoch).Scan(&epoch)
	})
	return epoch, s.explain("taking the next epoch", err)
}

// transact runs do in a transaction, again when it lost a race.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, do)
		if err == nil || try == maxTries || !s.dialect.Retry(err) {
			return err
		}
	}
}

func (s *Store) once(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it is ErrTxDone, else the cause is already known
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
