package store

import (
	"context"
	"errors"

	"lambent.dev/lambent/internal/lambda"
)

// Errors that callers tell apart. Back ends wrap them with what was being done and
// what a person can do.
var (
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("already exists")
	ErrClosed      = errors.New("store is closed")
	ErrBusy        = errors.New("store is locked by another process")
	ErrDamaged     = errors.New("store is damaged")
	ErrNewerSchema = errors.New("store was written by a newer version of lambent")
	ErrUnreachable = errors.New("store cannot be reached")
)

// Store keeps functions and layers. It is safe for concurrent use. A call that returned nil
// has been made durable: it survives the death of the process and of the host.
type Store interface {
	// CreateFunction adds a function with its published versions. ErrExists if there
	// is one of this ID.
	CreateFunction(ctx context.Context, fn lambda.Function) error

	// Function returns one function whole. ErrNotFound if there is none.
	Function(ctx context.Context, id lambda.FunctionID) (lambda.Function, error)

	// UpdateFunction runs change on the stored function in one transaction and returns
	// what it made of it. No update is lost: others of the same function wait. An error
	// of change rolls back and is returned as it is. change may run several times, each
	// on a fresh copy, must not call the store, and must leave the ID alone.
	// ErrNotFound if there is no such function.
	UpdateFunction(ctx context.Context, id lambda.FunctionID, change func(*lambda.Function) error) (lambda.Function, error)

	// DeleteFunction removes a function with all its versions. ErrNotFound if there is
	// none.
	DeleteFunction(ctx context.Context, id lambda.FunctionID) error

	// Functions returns at most limit functions of one account and region whose names
	// come after the given one, in ascending byte order of names. An empty after is the
	// beginning.
	Functions(ctx context.Context, account, region, after string, limit int) ([]lambda.Function, error)

	// All yields every function, ordered by account, region and name, as of one moment.
	// An error of yield ends the walk and is returned as it is. yield must not call the
	// store.
	All(ctx context.Context, yield func(lambda.Function) error) error

	Layers
	Providers

	// CodeInUse says whether a package (lambda.Code.Digest) is the code of a version of any
	// function, a layer that one uses, or a layer version.
	CodeInUse(ctx context.Context, digest string) (bool, error)

	// CodeSize returns how many bytes the packages of an account have: of all versions of its
	// functions and of its layers, each counted, in all regions.
	CodeSize(ctx context.Context, account string) (int64, error)

	// Usage returns how many functions an account has in a region, and how much concurrency
	// they claim (lambda.Function.ClaimedConcurrency).
	Usage(ctx context.Context, account, region string) (functions, claimed int, err error)

	// NextEpoch returns a number greater than all that were returned before, also
	// across restarts: the name of one life of a daemon.
	NextEpoch(ctx context.Context) (int64, error)

	// Close waits for running calls and frees the store. A second Close is nil.
	Close() error
}
