package lambdaapi

import (
	"context"
	"io"
	"log/slog"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sigv4"
)

// Store keeps functions. Missing ones and name clashes are errors that wrap
// store.ErrNotFound and store.ErrExists.
type Store interface {
	CreateFunction(ctx context.Context, fn lambda.Function) error
	Function(ctx context.Context, id lambda.FunctionID) (lambda.Function, error)
	UpdateFunction(ctx context.Context, id lambda.FunctionID, change func(*lambda.Function) error) (lambda.Function, error)
	DeleteFunction(ctx context.Context, id lambda.FunctionID) error
	Functions(ctx context.Context, account, region, after string, limit int) ([]lambda.Function, error)
	All(ctx context.Context, yield func(lambda.Function) error) error
	CodeSize(ctx context.Context, account string) (int64, error)
	Usage(ctx context.Context, account, region string) (functions, claimed int, err error)
	LayerStore
	ProviderStore
}

// Blobs keeps deployment packages under the hex SHA-256 of their bytes: a blob.Store.
type Blobs interface {
	Put(ctx context.Context, r io.Reader, limit int64) (blob.Info, error)
	Open(ctx context.Context, digest string) (blob.Reader, error)
}

// Packages unpacks deployment packages, once per content: code.Packages. What is wrong
// with a package itself is a *lambda.Error in AWS's words.
type Packages interface {
	Folder(ctx context.Context, digest string) (string, error)
	Layers(ctx context.Context, digests []string) (string, error)
}

// Runtimes is what this host can run: a runtimes.Catalogue.
type Runtimes interface {
	// Resolve fails for what the host lacks, with an error that says what was looked for.
	Resolve(v *lambda.Version) (runtimes.Launch, error)
}

// Invoker takes invocations: a router.Router. ctx bounds the wait for an instance; a
// function that has begun runs to its end.
type Invoker interface {
	Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error)
}

// Announcer begins what an invocation will need, of which only the head has arrived: the
// router.
type Announcer interface {
	Announce(ctx context.Context, inv *lambda.Invocation)
}

// Events takes events that nobody waits for: an event.Dispatcher.
type Events interface {
	// Accept returns nil once the event is durable.
	Accept(ctx context.Context, inv *lambda.Invocation) error
}

// Directory is the index of functions that invocations are resolved with: the router's.
type Directory interface {
	Put(fn lambda.Function) error
	Remove(id lambda.FunctionID)
}

// Provisioner knows what has been initialised ahead of requests: the router.
type Provisioner interface {
	// Provisioned says what has become of the configuration of a version or an alias.
	Provisioned(id lambda.FunctionID, qualifier string) lambda.ProvisionedState
}

// Snapshotter initialises versions with SnapStart: the router.
type Snapshotter interface {
	// Snapshot has the first instance of a version initialised and waits for it. A
	// *lambda.InitFailure in the error is the function's.
	Snapshot(ctx context.Context, fn *lambda.Function, version string) error
}

// Tiers knows which tiers this host offers.
type Tiers interface {
	// Offers returns nil, or an error that says what is missing and how to get it.
	Offers(t lambda.Tier) error
	// Emulates says whether software stands in for the processor there: many times slower.
	Emulates(t lambda.Tier) bool
}

// Networks knows which network profiles this host offers.
type Networks interface {
	// Offers returns nil, or an error that says what is missing and how to get it.
	Offers(t lambda.Tier, n lambda.Network, r lambda.Reach) error
}

// Compiler compiles what a version brings ahead of its starts: a bytecode.Maker.
type Compiler interface {
	// Prepare waits for it a little. Nothing but speed depends on it: it does not fail.
	Prepare(ctx context.Context, t *lambda.Target)
}

// Objects reads deployment packages from an object store: an s3.Store.
type Objects interface {
	// Object opens an object, of its newest version where version is "". What is wrong with
	// the request is a *lambda.Error in AWS's words.
	Object(ctx context.Context, bucket, key, version string) (io.ReadCloser, error)
}

// Deps is all that a Server needs. Every interface but Objects and Compiler must be set.
type Deps struct {
	Store     Store
	Blobs     Blobs
	Packages  Packages
	Runtimes  Runtimes
	Invoker   Invoker
	Events    Events
	Directory Directory
	Tiers     Tiers
	Networks  Networks

	Provisioner Provisioner
	Snapshotter Snapshotter

	// Announcer is nil where nothing is begun before an invocation has arrived whole.
	Announcer Announcer

	// Objects is nil where no object store is configured.
	Objects Objects
	// Compiler is nil where nothing is compiled.
	Compiler Compiler

	Account   string           // of callers; "" means 000000000000
	Region    string           // of callers that name none; "" means us-east-1
	Isolation lambda.Isolation // the account's rule; a Default of 0 means light
	// DefaultNetwork is the profile of functions without a lambent:network tag; "" means none.
	DefaultNetwork lambda.Network
	Concurrency    int   // invocations at once that the account may have; 0 means AWS's 1000
	CodeStorage    int64 // bytes of packages that the account may have; 0 means lambda.DefaultCodeStorage
	// Rules are those of accounts that have their own; they do not change. For others Isolation,
	// Concurrency and CodeStorage hold.
	Rules map[string]lambda.AccountRule
	// Verifier knows whose keys sign requests; nil means that nobody looks at signatures, and
	// all requests are of Account.
	Verifier *sigv4.Verifier
	LinkKey  []byte   // signs download links; nil means a new one, and links die with the process
	Hosts    []string // names besides the loopback ones that a request's Host may have
	Log      *slog.Logger
}

func (d Deps) withDefaults() Deps {
	if d.Account == "" {
		d.Account = "000000000000"
	}
	if d.Region == "" {
		d.Region = "us-east-1"
	}
	if d.Isolation.Default == 0 {
		d.Isolation.Default = lambda.TierLight
	}
	if d.DefaultNetwork == "" {
		d.DefaultNetwork = lambda.NetworkNone
	}
	if d.Concurrency == 0 {
		d.Concurrency = 1000
	}
	if d.CodeStorage == 0 {
		d.CodeStorage = lambda.DefaultCodeStorage
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.LinkKey == nil {
		d.LinkKey = NewLinkKey()
	}
	return d
}

// rule is what an account may.
func (d *Deps) rule(account string) lambda.AccountRule {
	if own, ok := d.Rules[account]; ok {
		return own
	}
	return lambda.AccountRule{Isolation: d.Isolation, Concurrency: d.Concurrency, CodeStorage: d.CodeStorage}
}
