package relational

import (
	"context"
	"database/sql"
	"errors"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// latestRow is the version column of the row that holds the function itself, so
// that it sorts before its published versions.
const latestRow = 0

// Every read is one statement, and so a view of one moment in both databases: a
// function's own row, then a row per published version.
const (
	latestRows    = `SELECT account, region, name, 0 AS version, record FROM functions`
	publishedRows = `SELECT account, region, name, version, record FROM versions`
	inOrder       = ` ORDER BY 1, 2, 3, 4`

	whereOne  = ` WHERE account = $1 AND region = $2 AND name = $3`
	wherePage = ` WHERE account = $1 AND region = $2 AND name IN
(SELECT name FROM functions WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4)`

	selectAll  = latestRows + ` UNION ALL ` + publishedRows + inOrder
	selectOne  = latestRows + whereOne + ` UNION ALL ` + publishedRows + whereOne + inOrder
	selectPage = latestRows + wherePage + ` UNION ALL ` + publishedRows + wherePage + inOrder

	selectInUse = `SELECT EXISTS (SELECT 1 FROM functions WHERE digest = $1 OR serving = $1) OR EXISTS (SELECT 1 FROM versions WHERE digest = $1)
OR EXISTS (SELECT 1 FROM layer_versions WHERE digest = $1) OR EXISTS (SELECT 1 FROM layer_uses WHERE digest = $1)`
)

const selectSize = `SELECT COALESCE(SUM(bytes), 0) FROM code_sizes WHERE account = $1`

const selectUsage = `SELECT (SELECT COUNT(*) FROM functions WHERE account = $1 AND region = $2),
(SELECT COALESCE(SUM(claimed), 0) FROM functions WHERE account = $1 AND region = $2 AND claimed > 0)`

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Function implements store.Store.
func (s *Store) Function(ctx context.Context, id lambda.FunctionID) (lambda.Function, error) {
	fn, err := s.one(ctx, s.read, id)
	if err != nil {
		return lambda.Function{}, s.explain(about("reading", id), err)
	}
	return fn, nil
}

func (s *Store) one(ctx context.Context, q querier, id lambda.FunctionID) (fn lambda.Function, err error) {
	found := false
	err = s.walk(ctx, q, func(f lambda.Function) error {
		fn, found = f, true
		return nil
	}, selectOne, id.Account, id.Region, id.Name)
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return fn, err
}

// Functions implements store.Store.
func (s *Store) Functions(ctx context.Context, account, region, after string, limit int) ([]lambda.Function, error) {
	var page []lambda.Function
	err := s.walk(ctx, s.read, func(f lambda.Function) error {
		page = append(page, f)
		return nil
	}, selectPage, account, region, after, limit)
	return page, s.explain("listing functions", err)
}

// All implements store.Store.
func (s *Store) All(ctx context.Context, yield func(lambda.Function) error) error {
	var stopped error
	err := s.walk(ctx, s.read, func(f lambda.Function) error {
		stopped = yield(f)
		return stopped
	}, selectAll)
	if stopped != nil {
		return stopped
	}
	return s.explain("reading all functions", err)
}

// CodeInUse implements store.Store.
func (s *Store) CodeInUse(ctx context.Context, digest string) (used bool, err error) {
	err = s.read.QueryRowContext(ctx, selectInUse, digest).Scan(&used)
	return used, s.explain("looking for users of code "+digest, err)
}

// CodeSize implements store.Store.
func (s *Store) CodeSize(ctx context.Context, account string) (size int64, err error) {
	err = s.read.QueryRowContext(ctx, selectSize, account).Scan(&size)
	return size, s.explain("adding up the code of account "+account, err)
}

// Usage implements store.Store.
func (s *Store) Usage(ctx context.Context, account, region string) (functions, claimed int, err error) {
	err = s.read.QueryRowContext(ctx, selectUsage, account, region).Scan(&functions, &claimed)
	return functions, claimed, s.explain("adding up what the functions of account "+account+" claim", err)
}

// walk assembles functions from the rows of a query and yields each when its last
// row has been seen.
func (s *Store) walk(ctx context.Context, q querier, yield func(lambda.Function) error, query string, args ...any) (err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	a := assembly{yield: yield, sealer: s.sealer}
	for rows.Next() {
		if err := a.add(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return a.finish()
}

// assembly is the function whose rows are being read.
type assembly struct {
	sealer  store.Sealer
	yield   func(lambda.Function) error
	current *lambda.Function
}

func (a *assembly) add(rows *sql.Rows) error {
	var id lambda.FunctionID
	var version int64
	var doc sql.RawBytes // valid until the next row; decoding copies
	if err := rows.Scan(&id.Account, &id.Region, &id.Name, &version, &doc); err != nil {
		return err
	}
	if version == latestRow {
		return a.begin(id, doc)
	}
	v, err := store.DecodeVersion(id, doc, a.sealer)
	if err == nil {
		a.current.Published = append(a.current.Published, v)
	}
	return err
}

func (a *assembly) begin(id lambda.FunctionID, doc []byte) error {
	if err := a.finish(); err != nil {
		return err
	}
	fn, err := store.DecodeFunction(id, doc, a.sealer)
	a.current = &fn
	return err
}

func (a *assembly) finish() error {
	if a.current == nil {
		return nil
	}
	fn := *a.current
	a.current = nil
	return a.yield(fn)
}

func orNotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}
