package relational

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

const (
	nextLayerVersion = `INSERT INTO layers (account, region, name, last) VALUES ($1, $2, $3, 1)
ON CONFLICT (account, region, name) DO UPDATE SET last = layers.last + 1 RETURNING last`
	insertLayerVersion = `INSERT INTO layer_versions (account, region, name, version, digest, record, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	deleteLayerVersion = `DELETE FROM layer_versions WHERE account = $1 AND region = $2 AND name = $3 AND version = $4`

	layerRows           = `SELECT account, region, name, version, record FROM layer_versions`
	selectLayerVersion  = layerRows + whereOne + ` AND version = $4`
	selectLayerVersions = layerRows + whereOne + ` AND (version < $4 OR $4 = 0) ORDER BY version DESC`
	selectLayers        = layerRows + ` WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name, version DESC`

	insertLayerUse  = `INSERT INTO layer_uses (account, region, name, version, digest) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
	deleteLayerUses = `DELETE FROM layer_uses WHERE account = $1 AND region = $2 AND name = $3 AND version = $4`
)

// PublishLayer implements store.Layers. The layer's row serialises publishers.
func (s *Store) PublishLayer(ctx context.Context, v lambda.LayerVersion) (number int64, err error) {
	id := v.ID
	doc, err := store.EncodeLayerVersion(v)
	if err != nil {
		return 0, err
	}
	err = s.transact(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, nextLayerVersion, id.Account, id.Region, id.Name).Scan(&number); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, insertLayerVersion, id.Account, id.Region, id.Name, number, v.Code.Digest, string(doc), v.Code.Size)
		return err
	})
	return number, s.explain("publishing "+id.ARN(), err)
}

// LayerVersion implements store.Layers.
func (s *Store) LayerVersion(ctx context.Context, id lambda.LayerID, version int64) (found lambda.LayerVersion, err error) {
	err = s.walkLayers(ctx, func(v lambda.LayerVersion) error {
		found = v
		return nil
	}, selectLayerVersion, id.Account, id.Region, id.Name, version)
	if err == nil && found.Version == 0 {
		err = store.ErrNotFound
	}
	return found, s.explain("reading "+id.VersionARN(version), err)
}

// LayerVersions implements store.Layers.
func (s *Store) LayerVersions(ctx context.Context, id lambda.LayerID, below int64, yield func(lambda.LayerVersion) error) error {
	return s.yieldLayers(ctx, "listing the versions of "+id.ARN(), yield, selectLayerVersions, id.Account, id.Region, id.Name, below)
}

// Layers implements store.Layers.
func (s *Store) Layers(ctx context.Context, account, region, after string, yield func(lambda.LayerVersion) error) error {
	return s.yieldLayers(ctx, "listing layers", yield, selectLayers, account, region, after)
}

// AllLayers implements store.Layers.
func (s *Store) AllLayers(ctx context.Context, yield func(lambda.LayerVersion) error) error {
	return s.yieldLayers(ctx, "reading all layers", yield, layerRows)
}

// DeleteLayer implements store.Layers.
func (s *Store) DeleteLayer(ctx context.Context, id lambda.LayerID, version int64) (was bool, err error) {
	err = s.transact(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, deleteLayerVersion, id.Account, id.Region, id.Name, version)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		was = n == 1
		return err
	})
	return was, s.explain("deleting "+id.VersionARN(version), err)
}

// yieldLayers returns an error of yield as it is.
func (s *Store) yieldLayers(ctx context.Context, doing string, yield func(lambda.LayerVersion) error, query string, args ...any) error {
	var stopped error
	err := s.walkLayers(ctx, func(v lambda.LayerVersion) error {
		stopped = yield(v)
		return stopped
	}, query, args...)
	if stopped != nil {
		return stopped
	}
	return s.explain(doing, err)
}

func (s *Store) walkLayers(ctx context.Context, yield func(lambda.LayerVersion) error, query string, args ...any) (err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scanLayer(rows)
		if err != nil {
			return err
		}
		if err := yield(v); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanLayer(rows *sql.Rows) (lambda.LayerVersion, error) {
	var id lambda.LayerID
	var version int64
	var doc sql.RawBytes // valid until the next row; decoding copies
	if err := rows.Scan(&id.Account, &id.Region, &id.Name, &version, &doc); err != nil {
		return lambda.LayerVersion{}, err
	}
	return store.DecodeLayerVersion(id, version, doc)
}

// layersOfLatest are the layers of $LATEST, and of what serves while it is updated.
func layersOfLatest(fn lambda.Function) []lambda.LayerRef {
	layers := slices.Clone(fn.Latest.Layers)
	if fn.Serving != nil {
		layers = append(layers, fn.Serving.Layers...)
	}
	return layers
}

// putLayerUses keeps the digests of a function version's layers where they can be
// asked for: the version's record alone would have to be read for every question.
func putLayerUses(ctx context.Context, tx *sql.Tx, id lambda.FunctionID, version int64, old, now []lambda.LayerRef) error {
	if slices.Equal(old, now) {
		return nil
	}
	if _, err := tx.ExecContext(ctx, deleteLayerUses, id.Account, id.Region, id.Name, version); err != nil {
		return err
	}
	for _, layer := range now {
		if _, err := tx.ExecContext(ctx, insertLayerUse, id.Account, id.Region, id.Name, version, layer.Digest); err != nil {
			return err
		}
	}
	return nil
}
