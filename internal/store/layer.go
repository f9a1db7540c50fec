package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Layers keeps layer versions.
type Layers interface {
	// PublishLayer adds a version under the next number of its layer and returns that
	// number. v.Version is not looked at.
	PublishLayer(ctx context.Context, v lambda.LayerVersion) (int64, error)

	// LayerVersion returns one version. ErrNotFound if there is none.
	LayerVersion(ctx context.Context, id lambda.LayerID, version int64) (lambda.LayerVersion, error)

	// LayerVersions yields the versions of a layer below a number, newest first; 0 means
	// all. A layer that does not exist has none. yield as in Layers.
	LayerVersions(ctx context.Context, id lambda.LayerID, below int64, yield func(lambda.LayerVersion) error) error

	// Layers yields all versions of the layers of one account and region whose names come
	// after the given one: by name in ascending byte order, newest first in each. An
	// error of yield ends the walk and is returned as it is. yield must not call the store.
	Layers(ctx context.Context, account, region, after string, yield func(lambda.LayerVersion) error) error

	// AllLayers yields every layer version, in no order. yield as in Layers.
	AllLayers(ctx context.Context, yield func(lambda.LayerVersion) error) error

	// DeleteLayer removes one version, and says whether it was there. Its number is not
	// given again, and function versions that use it keep their copy of what they need.
	DeleteLayer(ctx context.Context, id lambda.LayerID, version int64) (bool, error)
}

// layerVersionRecord is how a layer version is written, without its key.
type layerVersionRecord struct {
	Format                  int        `json:"format"`
	Description             string     `json:"description,omitzero"`
	LicenseInfo             string     `json:"licenseInfo,omitzero"`
	CompatibleRuntimes      []string   `json:"compatibleRuntimes,omitzero"`
	CompatibleArchitectures []string   `json:"compatibleArchitectures,omitzero"`
	Code                    codeRecord `json:"code"`
	Created                 time.Time  `json:"created,omitzero"`
}

// EncodeLayerVersion writes all of a layer version but its key, which back ends keep
// in columns.
func EncodeLayerVersion(v lambda.LayerVersion) ([]byte, error) {
	return json.Marshal(layerVersionRecord{
		Format: recordFormat, Description: v.Description, LicenseInfo: v.LicenseInfo,
		CompatibleRuntimes: v.CompatibleRuntimes, CompatibleArchitectures: v.CompatibleArchitectures,
		Code: codeRecord(v.Code), Created: v.Created.UTC(),
	})
}

// DecodeLayerVersion reads what EncodeLayerVersion wrote.
func DecodeLayerVersion(id lambda.LayerID, version int64, doc []byte) (lambda.LayerVersion, error) {
	var r layerVersionRecord
	if err := decode(doc, &r, &r.Format); err != nil {
		return lambda.LayerVersion{}, fmt.Errorf("reading the record of %s: %w", id.VersionARN(version), err)
	}
	return lambda.LayerVersion{
		ID: id, Version: version, Description: r.Description, LicenseInfo: r.LicenseInfo,
		CompatibleRuntimes: r.CompatibleRuntimes, CompatibleArchitectures: r.CompatibleArchitectures,
		Code: lambda.Code(r.Code), Created: r.Created,
	}, nil
}
