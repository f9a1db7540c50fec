package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Providers keeps capacity providers.
type Providers interface {
	// CreateProvider adds one. ErrExists if there is one of this ID.
	CreateProvider(ctx context.Context, p lambda.CapacityProvider) error

	// Provider returns one. ErrNotFound if there is none.
	Provider(ctx context.Context, id lambda.ProviderID) (lambda.CapacityProvider, error)

	// UpdateProvider runs change on the stored provider as UpdateFunction does.
	UpdateProvider(ctx context.Context, id lambda.ProviderID, change func(*lambda.CapacityProvider) error) (lambda.CapacityProvider, error)

	// DeleteProvider removes one. ErrNotFound if there is none.
	DeleteProvider(ctx context.Context, id lambda.ProviderID) error

	// Providers returns at most limit of one account and region whose names come after the
	// given one, in ascending byte order of names.
	Providers(ctx context.Context, account, region, after string, limit int) ([]lambda.CapacityProvider, error)
}

// capacityRecord is how a version's capacity provider is written.
type capacityRecord struct {
	ARN            string            `json:"arn"`
	MaxConcurrency int               `json:"maxConcurrency,omitzero"`
	MemoryPerCPU   float64           `json:"memoryGiBPerCPU,omitzero"`
	Settings       map[string]string `json:"settings,omitzero"`
}

func toCapacityRecord(c lambda.Capacity) capacityRecord { return capacityRecord(c) }

func fromCapacityRecord(r capacityRecord) lambda.Capacity { return lambda.Capacity(r) }

// providerFormat is the format of a provider's record.
const providerFormat = 1

// providerRecord is how a capacity provider is written, without its key.
type providerRecord struct {
	Format         int               `json:"format"`
	Tags           map[string]string `json:"tags,omitzero"`
	OperatorRole   string            `json:"operatorRole"`
	Subnets        []string          `json:"subnets,omitzero"`
	SecurityGroups []string          `json:"securityGroups,omitzero"`
	Architectures  []string          `json:"architectures,omitzero"`
	MaxCPUs        int               `json:"maxCPUs,omitzero"`
	ScalingMode    string            `json:"scalingMode,omitzero"`
	LastModified   time.Time         `json:"lastModified"`
}

// EncodeProvider writes all of a provider but its ID.
func EncodeProvider(p lambda.CapacityProvider) ([]byte, error) {
	return json.Marshal(providerRecord{
		Format: providerFormat, Tags: p.Tags, OperatorRole: p.OperatorRole, Subnets: p.Subnets, SecurityGroups: p.SecurityGroups,
		Architectures: p.Architectures, MaxCPUs: p.MaxCPUs, ScalingMode: p.ScalingMode, LastModified: p.LastModified.UTC(),
	})
}

// DecodeProvider reads what EncodeProvider wrote.
func DecodeProvider(id lambda.ProviderID, doc []byte) (lambda.CapacityProvider, error) {
	var r providerRecord
	if err := decode(doc, &r, &r.Format); err != nil {
		return lambda.CapacityProvider{}, fmt.Errorf("reading the record of %s: %w", id.ARN(), err)
	}
	return lambda.CapacityProvider{
		ID: id, Tags: r.Tags, OperatorRole: r.OperatorRole, Subnets: r.Subnets, SecurityGroups: r.SecurityGroups,
		Architectures: r.Architectures, MaxCPUs: r.MaxCPUs, ScalingMode: r.ScalingMode, LastModified: r.LastModified,
	}, nil
}
