package relational

import (
	"context"
	"database/sql"
	"errors"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

const (
	insertProvider = `INSERT INTO capacity_providers (account, region, name, record) VALUES ($1, $2, $3, $4)`
	updateProvider = `UPDATE capacity_providers SET record = $4 WHERE account = $1 AND region = $2 AND name = $3`
	deleteProvider = `DELETE FROM capacity_providers` + whereOne

	selectProvider  = `SELECT name, record FROM capacity_providers` + whereOne
	selectProviders = `SELECT name, record FROM capacity_providers WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4`
)

// CreateProvider implements store.Providers.
func (s *Store) CreateProvider(ctx context.Context, p lambda.CapacityProvider) error {
	err := s.transact(ctx, func(tx *sql.Tx) error { return putProvider(ctx, tx, insertProvider, p) })
	return s.explain("creating "+p.ID.ARN(), err)
}

func putProvider(ctx context.Context, tx *sql.Tx, statement string, p lambda.CapacityProvider) error {
	doc, err := store.EncodeProvider(p)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, statement, p.ID.Account, p.ID.Region, p.ID.Name, string(doc))
	return err
}

// Provider implements store.Providers.
func (s *Store) Provider(ctx context.Context, id lambda.ProviderID) (lambda.CapacityProvider, error) {
	p, err := oneProvider(s.read.QueryRowContext(ctx, selectProvider, id.Account, id.Region, id.Name), id)
	return p, s.explain("reading "+id.ARN(), err)
}

// oneProvider reads a row of which account and region are known.
func oneProvider(row interface{ Scan(...any) error }, id lambda.ProviderID) (lambda.CapacityProvider, error) {
	var doc string
	if err := row.Scan(&id.Name, &doc); err != nil {
		return lambda.CapacityProvider{}, orNotFound(err)
	}
	return store.DecodeProvider(id, []byte(doc))
}

// UpdateProvider implements store.Providers.
func (s *Store) UpdateProvider(ctx context.Context, id lambda.ProviderID, change func(*lambda.CapacityProvider) error) (lambda.CapacityProvider, error) {
	var p lambda.CapacityProvider
	var refused error // what change returned: it goes back unwrapped
	err := s.transact(ctx, func(tx *sql.Tx) (err error) {
		p, err = oneProvider(tx.QueryRowContext(ctx, selectProvider+s.dialect.LockRow, id.Account, id.Region, id.Name), id)
		if err != nil {
			return err
		}
		if refused = change(&p); refused != nil {
			return refused
		}
		return putProvider(ctx, tx, updateProvider, p)
	})
	if refused != nil {
		return lambda.CapacityProvider{}, refused
	}
	return p, s.explain("updating "+id.ARN(), err)
}

// DeleteProvider implements store.Providers.
func (s *Store) DeleteProvider(ctx context.Context, id lambda.ProviderID) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, deleteProvider, id.Account, id.Region, id.Name)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return store.ErrNotFound
	})
	return s.explain("deleting "+id.ARN(), err)
}

// Providers implements store.Providers.
func (s *Store) Providers(ctx context.Context, account, region, after string, limit int) (page []lambda.CapacityProvider, err error) {
	rows, err := s.read.QueryContext(ctx, selectProviders, account, region, after, limit)
	if err != nil {
		return nil, s.explain("listing capacity providers", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		p, err := oneProvider(rows, lambda.ProviderID{Account: account, Region: region})
		if err != nil {
			return nil, s.explain("listing capacity providers", err)
		}
		page = append(page, p)
	}
	return page, s.explain("listing capacity providers", rows.Err())
}
