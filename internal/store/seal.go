package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"lambent.dev/lambent/internal/lambda"
)

// ErrWrongKey says that the secrets of a store were sealed with another key than the one
// it was opened with.
var ErrWrongKey = errors.New("wrong key")

// Sealer keeps secrets from who can read the database alone: a vault.Key.
type Sealer interface {
	// ID names the key and says nothing of it.
	ID() string
	Seal(plain, context []byte) []byte
	// Open fails for what was not sealed with this key and for this context.
	Open(sealed, context []byte) ([]byte, error)
}

// sealedRecord is the secrets of a version as they are written. Their context is the
// function's ARN, so that they cannot be given to another function.
type sealedRecord struct {
	Key   string `json:"key"` // Sealer.ID
	Value []byte `json:"value"`
}

// secretRecord is what of a version is sealed: the environment, and what values of it
// could be guessed with.
type secretRecord struct {
	Environment   map[string]string `json:"environment,omitzero"`
	PublishedFrom string            `json:"publishedFrom,omitzero"`
}

// seal takes the secrets out of the fields and puts them back sealed.
func (f versionFields) seal(id lambda.FunctionID, s Sealer) (versionFields, error) {
	if f.Environment == nil && f.PublishedFrom == "" {
		return f, nil
	}
	plain, err := json.Marshal(secretRecord{f.Environment, f.PublishedFrom})
	if err != nil {
		return f, err
	}
	f.Environment, f.PublishedFrom = nil, ""
	f.Sealed = &sealedRecord{Key: s.ID(), Value: s.Seal(plain, []byte(id.ARN()))}
	return f, nil
}

// unseal is the reverse. Fields of format 1 have their secrets in the open.
func (f versionFields) unseal(id lambda.FunctionID, s Sealer) (versionFields, error) {
	if f.Sealed == nil {
		return f, nil
	}
	if f.Sealed.Key != s.ID() {
		return f, fmt.Errorf("%w: the environment of version %s was sealed with key %.40q, this one is %q: put the key file back that belongs to this store",
			ErrWrongKey, f.Version, f.Sealed.Key, s.ID())
	}
	plain, err := s.Open(f.Sealed.Value, []byte(id.ARN()))
	if err != nil {
		return f, fmt.Errorf("%w: restore it from a backup: the environment of version %s: %w", ErrDamaged, f.Version, err)
	}
	var secret secretRecord
	if err := json.Unmarshal(plain, &secret); err != nil {
		return f, fmt.Errorf("%w: restore it from a backup: the environment of version %s: %w", ErrDamaged, f.Version, err)
	}
	f.Environment, f.PublishedFrom, f.Sealed = secret.Environment, secret.PublishedFrom, nil
	return f, nil
}
