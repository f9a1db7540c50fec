package slowest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

const (
	// Most is how many receipts of a function are shown.
	Most = 10
	// period is how long receipts compete with each other; those of the period before stay.
	period = 30 * time.Minute
	// functions bounds of how many functions receipts are kept: with both periods about 20 MB.
	functions = 2048
	// backlog is how many receipts wait to be looked at; more are lost, and nobody waits.
	backlog = 256
)

// Beside knows what else ran; a *neighbour.Board does.
type Beside interface {
	During(from, to time.Time, request string) []receipt.Neighbour
}

// List holds the slowest invocations. Make one with New.
type List struct {
	beside Beside
	offers chan offer

	functions sync.Map // of lambda.FunctionID to *function; written by Run only
	count     int      // of functions; of Run
}

// offer is a receipt, or somebody who waits until all before it are in.
type offer struct {
	id     lambda.FunctionID
	r      receipt.Receipt
	caught chan<- struct{}
}

// function has the receipts of one.
type function struct {
	floor atomic.Int64 // wall time in ns that a receipt must exceed
	ends  atomic.Int64 // the current period, in Unix ns

	mu                sync.Mutex        // guards what follows
	current, previous []receipt.Receipt // the slowest first
}

// New returns an empty list. Receipts enter it while Run runs.
func New(beside Beside) *List { return &List{beside: beside, offers: make(chan offer, backlog)} }

// Offer takes a receipt if it is among the slowest. It never waits, and for one that is
// not it costs a look at a map.
func (l *List) Offer(id lambda.FunctionID, r *receipt.Receipt) {
	if f := l.of(id); f != nil && int64(r.Wall()) <= f.floor.Load() && time.Now().UnixNano() < f.ends.Load() {
		return
	}
	kept := *r
	kept.TailLog = nil
	select {
	case l.offers <- offer{id: id, r: kept}:
	default:
	}
}

func (l *List) of(id lambda.FunctionID) *function {
	f, ok := l.functions.Load(id)
	if !ok {
		return nil
	}
	return f.(*function)
}

// Run takes in what is offered until ctx ends. The neighbours are looked for here: the
// caller has its answer.
func (l *List) Run(ctx context.Context) {
	for {
		select {
		case o := <-l.offers:
			l.take(&o)
		case <-ctx.Done():
			return
		}
	}
}

func (l *List) take(o *offer) {
	if o.caught != nil {
		close(o.caught)
		return
	}
	if !o.r.Used.Shared { // or what it waited for is not known, and it would be its own neighbour
		o.r.Neighbours = l.beside.During(o.r.HandlerBegan(), o.r.HandlerEnded(), o.r.RequestID)
	}
	f := l.of(o.id)
	if f == nil {
		f = l.add(o.id)
	}
	f.add(o.r, time.Now())
}

// add makes room for one more function: the one whose period ends first goes.
func (l *List) add(id lambda.FunctionID) *function {
	if l.count++; l.count > functions {
		l.drop()
	}
	f := &function{}
	l.functions.Store(id, f)
	return f
}

func (l *List) drop() {
	var oldest any
	ends := int64(1<<63 - 1)
	l.functions.Range(func(id, f any) bool {
		if e := f.(*function).ends.Load(); e < ends {
			oldest, ends = id, e
		}
		return true
	})
	l.functions.Delete(oldest)
	l.count--
}

func (f *function) add(r receipt.Receipt, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn(now)
	f.current = append(f.current, r)
	slices.SortStableFunc(f.current, slower)
	if len(f.current) > Most {
		f.current = f.current[:Most]
	}
	if len(f.current) == Most {
		f.floor.Store(int64(f.current[Most-1].Wall()))
	}
}

// turn begins a new period when the current one is over. It runs with f.mu held.
func (f *function) turn(now time.Time) {
	ended := now.UnixNano() - f.ends.Load()
	if ended < 0 {
		return
	}
	f.previous, f.current = f.current, nil
	if ended > int64(period) {
		f.previous = nil
	}
	f.floor.Store(0)
	f.ends.Store(now.Add(period).UnixNano())
}

// Of returns a function's slowest invocations, the slowest first, all that ended before
// the call included. The error is ctx's cause.
func (l *List) Of(ctx context.Context, id lambda.FunctionID) ([]receipt.Receipt, error) {
	caught := make(chan struct{})
	select {
	case l.offers <- offer{caught: caught}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case <-caught:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	f := l.of(id)
	if f == nil {
		return nil, nil
	}
	return f.all(time.Now()), nil
}

func (f *function) all(now time.Time) []receipt.Receipt {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn(now)
	all := slices.Concat(f.current, f.previous)
	slices.SortStableFunc(all, slower)
	return all[:min(len(all), Most)]
}

func slower(a, b receipt.Receipt) int { return cmp.Compare(b.Wall(), a.Wall()) }
