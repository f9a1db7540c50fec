package bill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lambent.dev/lambent/internal/price"
)

// Options say what logs do not.
type Options struct {
	Prices       *price.Table
	Architecture string         // x86_64 or arm64
	Provisioned  map[string]int // instances that a function had ready all the time
	KeepAlive    time.Duration  // that instances live idle on this host
	Starts       []Start        // of this host; without them only their number is told
	Temp         string         // a folder for sorting; "" chooses one
}

// A Source is one log.
type Source struct {
	Name     string // for errors
	Function string // of lines that name none
	Open     func() (io.ReadCloser, error)
}

// Write reads all sources and writes the statement.
func Write(ctx context.Context, sources []Source, o Options) (*Statement, error) {
	compute, err := o.Prices.Lambda.Compute(o.Architecture)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &writer{options: o, compute: compute, accounts: map[string]*account{}, sorter: newSorter(ctx, o.Temp)}
	reading := make(chan error, 1)
	go func() { // ends with the last source, or with the sorter
		defer close(w.sorter.in)
		reading <- w.readAll(ctx, sources)
	}()
	w.sorter.sort()
	select {
	case err = <-reading:
	default: // the sorter gave up before the end
		cancel(errUnsorted)
		err = <-reading
	}
	if err == nil { // a short log is read before anybody sees that ctx has ended
		err = context.Cause(ctx)
	}
	if err != nil {
		cancel(err)
		return nil, errors.Join(err, w.sorter.walk(func(arrival) {}))
	}
	return w.statement()
}

var errUnsorted = errors.New("sorting failed")

type writer struct {
	options    Options
	compute    price.Compute
	accounts   map[string]*account
	sorter     *sorter
	unreadable int64
	unread     error
}

func (w *writer) readAll(ctx context.Context, sources []Source) error {
	for _, s := range sources {
		if err := w.read(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

func (w *writer) read(ctx context.Context, s Source) (err error) {
	log, err := s.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	r := &Reader{Function: s.Function, Each: func(v Invocation) error { return w.take(ctx, &v) }}
	err = r.Read(log)
	w.unreadable += r.Unreadable
	w.unread = cmp.Or(w.unread, r.FirstError)
	return err
}

func (w *writer) take(ctx context.Context, v *Invocation) error {
	a := w.accounts[v.Function]
	if a == nil {
		a = newAccount(uint32(len(w.accounts)))
		w.accounts[strings.Clone(v.Function)] = a
	}
	a.add(v)
	if v.Ended.IsZero() {
		return nil
	}
	select {
	case w.sorter.in <- arrivalOf(a.number, v):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *writer) statement() (*Statement, error) {
	replays, err := w.replay()
	if err != nil {
		return nil, fmt.Errorf("sorting: %w", err)
	}
	s := &Statement{Prices: w.options.Prices.Date, Region: w.options.Prices.Region, Architecture: w.options.Architecture, Unreadable: w.unreadable}
	if w.unread != nil {
		s.Unread = w.unread.Error()
	}
	s.Inits = w.inits()
	s.Here.KeepAliveSeconds = w.options.KeepAlive.Seconds()
	months := rates(w.accounts, w.compute)
	for name, a := range w.accounts {
		f := w.function(name, a, months, replays[a.number])
		s.Total.add(f.Sum)
		s.Functions = append(s.Functions, f)
	}
	slices.SortFunc(s.Functions, func(a, b Function) int { return cmp.Or(cmp.Compare(b.USD, a.USD), cmp.Compare(a.Name, b.Name)) })
	w.here(s)
	return s, nil
}

// replay plays all arrivals, one function after the other.
func (w *writer) replay() (map[uint32]*replay, error) {
	ready := map[uint32]int{}
	for name, n := range w.options.Provisioned {
		if a := w.accounts[name]; a != nil {
			ready[a.number] = n
		}
	}
	replays := map[uint32]*replay{}
	err := w.sorter.walk(func(a arrival) {
		r := replays[a.function]
		if r == nil {
			r = &replay{keepAlive: micros(w.options.KeepAlive), ready: ready[a.function]}
			replays[a.function] = r
		}
		r.arrive(a)
	})
	for _, r := range replays {
		r.end()
	}
	return replays, err
}

func (w *writer) function(name string, a *account, rates map[month]float64, r *replay) Function {
	f := Function{Name: name, MemoryMB: a.memoryMB, First: a.first, Last: a.last, Duration: spread(a.durations), Init: spread(a.inits)}
	f.Sum = w.sum(a, rates)
	if r != nil {
		f.Here = Replayed{Requests: r.replayed, Starts: r.starts, Most: r.most, held: seconds(r.held)}
		f.Here.Average = f.Here.held / (a.last.Sub(a.first) + w.options.KeepAlive).Seconds()
	}
	w.addProvisioned(&f, a, r)
	f.USD = f.RequestUSD + f.DurationUSD + f.RestoreUSD + f.ReadyUSD
	return f
}

func (w *writer) sum(a *account, rates map[month]float64) Sum {
	s := Sum{Invocations: a.invocations, Failed: a.failed, Cold: a.cold, Restores: a.restores, WaitSeconds: (a.init + a.restore).Seconds()}
	for m, u := range a.months {
		s.GBSeconds += gbSeconds(u.billed)
		s.InitSeconds += gbSeconds(u.initial)
		s.unused += gbSeconds(u.unused)
		s.RequestUSD += float64(u.requests) * w.options.Prices.Lambda.Request
		s.DurationUSD += gbSeconds(u.billed) * rates[m]
		s.InitUSD += gbSeconds(u.initial) * rates[m]
		s.UnusedUSD += gbSeconds(u.unused) * rates[m]
		s.RestoreUSD += gbSeconds(u.restored) * rates[m]
	}
	s.share()
	return s
}

// addProvisioned puts what was kept ready on the bill. What ran there is cheaper: its part
// of the duration is taken at its own price, and so is as large a part of the memory that was
// never used. INIT is of those that found none ready.
func (w *writer) addProvisioned(f *Function, a *account, r *replay) {
	n := w.options.Provisioned[f.Name]
	took := a.last.Sub(a.first)
	if n == 0 || r == nil || took <= 0 {
		return
	}
	kept := float64(n) * float64(a.memoryMB) / 1024 * took.Seconds()
	p := &Provisioned{Instances: n, Hours: took.Hours(), USD: kept * w.compute.Provisioned}
	p.IdleShare = 1 - seconds(r.served)/(float64(n)*took.Seconds())
	p.IdleUSD = p.USD * p.IdleShare
	f.Provisioned, f.ReadyUSD, f.ReadyIdleUSD = p, p.USD, p.IdleUSD
	if f.GBSeconds > 0 {
		ran := min(1, seconds(r.served)*float64(a.memoryMB)/1024/f.GBSeconds)
		left := 1 - ran*(1-w.compute.ProvisionedDuration/w.compute.Duration[0].GBSecond)
		f.DurationUSD *= left
		f.UnusedUSD *= left
		f.InitUSD = min(f.InitUSD, f.DurationUSD)
	}
}

// here adds up what the replays of all functions counted, and what it means in each tier.
// Functions are taken to need their most instances at the same moment: the worst case.
func (w *writer) here(s *Statement) {
	for _, f := range s.Functions {
		s.Here.Requests += f.Here.Requests
		s.Here.Starts += f.Here.Starts
		s.Here.Most += f.Here.Most
		s.Here.held += f.Here.held
	}
	if first, last := s.span(); s.Here.Requests > 0 {
		s.Here.Average = s.Here.held / (last.Sub(first) + w.options.KeepAlive).Seconds()
	}
	for _, start := range w.options.Starts {
		t := TierHere{Start: start}
		if start.Missing == "" {
			t.WaitSeconds = float64(s.Here.Starts) * start.P50 / 1000
			t.MostMB = float64(s.Here.Most) * start.IdleMB
		}
		s.Here.Tiers = append(s.Here.Tiers, t)
	}
}
