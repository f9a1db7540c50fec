package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/queue"
	"lambent.dev/lambent/internal/receipt"
)

// memory is a queue in memory, without fairness: that is the real one's.
type memory struct {
	mu     sync.Mutex
	items  []queue.Lease // by arrival; Owner 0 = free
	next   int64
	broken error // what every call answers, if set
}

func (m *memory) Put(_ context.Context, it queue.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.next++
	m.items = append(m.items, queue.Lease{ID: m.next, Item: it})
	return nil
}

func (m *memory) Take(_ context.Context, r queue.Request) (t queue.Taken, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	held := map[string]int{}
	for i := range m.items {
		l := &m.items[i]
		switch {
		case l.Owner != 0 || len(t.Leases) == r.Limit || held[l.Function] >= r.Room(l.Function):
		case l.Due.After(r.Now):
			if t.Next.IsZero() || l.Due.Before(t.Next) {
				t.Next = l.Due
			}
		default:
			l.Owner, l.Attempts = 1, l.Attempts+1
			held[l.Function]++
			t.Leases = append(t.Leases, *l)
		}
	}
	return t, m.broken
}

func (m *memory) Done(_ context.Context, l queue.Lease) error {
	return m.end(l, func(i int) { m.items = slices.Delete(m.items, i, i+1) })
}

func (m *memory) Return(_ context.Context, l queue.Lease, due time.Time) error {
	return m.end(l, func(i int) { m.items[i].Owner, m.items[i].Due = 0, due })
}

func (m *memory) end(l queue.Lease, do func(int)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.items, func(have queue.Lease) bool { return have.ID == l.ID && have.Owner == l.Owner })
	if m.broken != nil {
		return m.broken
	}
	if i < 0 {
		return queue.ErrLost
	}
	do(i)
	return nil
}

func (m *memory) setBroken(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// left counts items by whether they are free.
func (m *memory) left() (free, leased int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.items {
		if l.Owner == 0 {
			free++
		} else {
			leased++
		}
	}
	return free, leased
}

// line is a router: it answers as a test says, and counts.
type line struct {
	mu      sync.Mutex
	handle  func(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) error
	resolve error // a dry run's answer
	seen    []seen
	running map[string]int // by function
	most    map[string]int // at once, ever; "" = all
}

type seen struct {
	id   string
	name string
	at   time.Duration // since the test began
}

func newLine(handle func(context.Context, *lambda.Invocation, lambda.Sink) error) *line {
	return &line{handle: handle, running: map[string]int{}, most: map[string]int{}}
}

func (l *line) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	if inv.Type == lambda.DryRun {
		return receipt.Receipt{}, l.resolve
	}
	name := inv.Function.Name
	l.count(inv, 1)
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.running[name]--
		l.running[""]--
	}()
	return receipt.Receipt{}, l.handle(ctx, inv, sink)
}

func (l *line) count(inv *lambda.Invocation, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, seen{inv.RequestID, inv.Function.Name, time.Since(epoch)})
	for _, name := range []string{"", inv.Function.Name} {
		l.running[name] += n
		l.most[name] = max(l.most[name], l.running[name])
	}
}

// atOnce returns the most events of a function that ran at once; "" is all functions.
func (l *line) atOnce(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most[name]
}

// runs returns what was run since the last call.
func (l *line) runs() []seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seen
	l.seen = nil
	return s
}

// epoch is when a synctest bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// rig is a dispatcher on fakes that runs until stop or the end of the test.
type rig struct {
	*Dispatcher
	t     *testing.T
	queue *memory
	line  *line
	stop  func()
}

func start(t *testing.T, l *line, change ...func(*Settings)) *rig {
	t.Helper()
	s := DefaultSettings(8)
	for _, f := range change {
		f(&s)
	}
	q := &memory{}
	d, err := New(q, l, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	var once sync.Once
	r := &rig{Dispatcher: d, t: t, queue: q, line: l}
	r.stop = func() {
		once.Do(func() {
			cancel(errors.New("the server stops"))
			if err := errors.Join(<-ended, d.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

// accept puts n events of a function; their request ids are name-0, name-1 ….
func (r *rig) accept(name string, n int) {
	r.t.Helper()
	for i := range n {
		inv := &lambda.Invocation{RequestID: fmt.Sprintf("%s-%d", name, i), Function: named(name), Type: lambda.Event, Payload: []byte("{}")}
		if err := r.Accept(r.t.Context(), inv); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) wantLeft(free, leased int) {
	r.t.Helper()
	if f, l := r.queue.left(); f != free || l != leased {
		r.t.Errorf("%d free and %d leased, want %d and %d", f, l, free, leased)
	}
}

func named(name string) lambda.FunctionID {
	return lambda.FunctionID{Account: "111111111111", Region: "us-east-1", Name: name}
}

// answer ends the answer, after a while.
func answer(after time.Duration, fault *lambda.FunctionError) func(context.Context, *lambda.Invocation, lambda.Sink) error {
	return func(_ context.Context, _ *lambda.Invocation, sink lambda.Sink) error {
		time.Sleep(after)
		sink.Finish(fault)
		return nil
	}
}

func throttle() error { return lambda.NewError(lambda.ErrTooManyRequests, "Rate Exceeded.") }
