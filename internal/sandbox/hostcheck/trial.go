package hostcheck

import (
	"context"
	"errors"
	"strconv"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
)

const (
	trialTmp    = 16 << 20 // bytes
	trialMemory = 64 << 20 // bytes
	trialPids   = 64
	// closeLimit bounds how long a trial's box may take to go.
	closeLimit = 10 * time.Second
)

// Preparer is what of a driver a trial needs.
type Preparer interface {
	Prepare(ctx context.Context, b sandbox.Base) (sandbox.Template, error)
}

// Try makes a sandbox, gives it a workload and closes it: no list of checks knows every way in
// which a host can say no. The error names the step that failed.
func Try(ctx context.Context, d Preparer) (err error) {
	t, err := d.Prepare(ctx, sandbox.Base{Root: sandbox.RootHost, Tmp: trialTmp, Network: sandbox.NetworkNone})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	s, err := t.Create(ctx, "probe-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	if err != nil {
		return err
	}
	bound := s.Bind(ctx, sandbox.Workload{Name: "probe", Memory: trialMemory, Pids: trialPids})
	limit, stop := cleanup.Context(ctx, closeLimit)
	defer stop()
	return errors.Join(bound, s.Close(limit))
}
