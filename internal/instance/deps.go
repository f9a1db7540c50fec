package instance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/neighbour"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/stem"
)

// Errors that callers tell apart.
var (
	// ErrGone is wrapped by what Invoke answers when the invocation did not reach the
	// function: another instance may take it.
	ErrGone = errors.New("instance is gone")
	// ErrBusy is the answer to a call that needs an idle instance.
	ErrBusy = errors.New("instance is busy")
)

// DefaultInitTimeout is how long a function's initialisation may take before its
// first invocation (AWS: 10 s for on-demand functions).
const DefaultInitTimeout = 10 * time.Second

// Runtimes is the catalogue of runtimes.
type Runtimes interface {
	Resolve(v *lambda.Version) (runtimes.Launch, error)
}

// Boxes gives out generic sandboxes; *stem.Store is one.
type Boxes interface {
	Take(ctx context.Context, tier lambda.Tier, base sandbox.Base) (*stem.Box, error)
	// Expect says that sandboxes of a base will be taken.
	Expect(tier lambda.Tier, base sandbox.Base)
}

// Addresses are where an instance listens inside its sandbox, so that stems can open them
// ahead.
func Addresses() []string { return []string{apiAddress, homeAddress} }

// Deps is what a Launcher needs.
type Deps struct {
	Boxes    Boxes
	Runtimes Runtimes
	// Code returns the folder of the host that holds an unpacked package.
	Code func(ctx context.Context, digest string) (folder string, err error)
	// Layers returns the folder of the host that shows layers laid over each other in order.
	// It is called for functions that have any.
	Layers func(ctx context.Context, digests []string) (folder string, err error)
	// Compiled returns the folder that a version is shown in the place of an unpacked package,
	// or of layers by lambda.LayersDigest; "" = the package itself. nil = always.
	Compiled func(v *lambda.Version, digest string) (folder string)
	// Logs opens the stream that takes an instance's log lines.
	Logs func(id lambda.FunctionID, stream string) io.WriteCloser
	// CallHome answers Lambda's API inside the sandbox as the function. nil, or a nil
	// handler, = no listener.
	CallHome func(t *lambda.Target) http.Handler
	// Offers asks anew whether this host has a tier; the error says what is missing. nil = it
	// is not asked where a sandbox could not be made.
	Offers func(lambda.Tier) error
	// DialHost connects to a service on the host's loopback that a function may reach. nil =
	// there is none.
	DialHost func(ctx context.Context, at netip.AddrPort) (net.Conn, error)
	// Neighbours is told who uses the CPUs. nil = nobody is.
	Neighbours  *neighbour.Board
	InitTimeout time.Duration // 0 = DefaultInitTimeout
	Log         *slog.Logger
}
