package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/load"
)

const (
	proofOfCold = " A start counts only if the function's module proves, by a time stamp of its own, that it was imported after the request was sent; who catches an instance before it has left is not counted." +
		" The server closes each instance after its first request (keep-alive 0), so every request is a start, and making the next one ready is part of the load."
	withoutStems = " The server without stems has a ceiling of 0 for them: its starts take boxes that wait without an interpreter, which Python is forked into from a zygote. The server with nothing ahead has no such boxes either: a start makes one."
	methodCold   = "Contenders take turns of sixteen samples back to back: Lambent, where it keeps stems or boxes, two of eight, since it keeps eight; what is slow and has no target one of three. There is a rest between turns until the machine is idle, half a second at most, so that nobody pays for another's cleaning up; containers take one sample in every third round." + withoutStems + proofOfCold
	methodIdle   = "Contenders take turns of one sample, with a quarter of a second of quiet after each, so each function gets one request every few seconds." + withoutStems + proofOfCold
	methodRate   = "Requests are sent at a fixed rate whatever earlier ones are doing, and each one's latency counts from the moment at which it was meant to be sent (open loop). Slices of Lambent alternate with turns of the floors. Where starts take longer than requests keep coming, a request is served by an instance that was started for another one: these are the rows of the start kind warm." + proofOfCold
)

// coldTargets are the ratios of cold starts by language and start kind; group is where the
// floors are.
func coldTargets(language, group string) (Ratio, map[string][]Ratio) {
	switch language {
	case "python":
		over := group + "/" + floorImports
		bare := Ratio{Over: group + "/" + floorBootstrap}
		return Ratio{Over: over}, map[string][]Ratio{
			"stem": {{Over: over, MostP50: 0.03, MostP99: 0.06}, bare},
			"box":  {{Over: over, MostP50: 0.07, MostP99: 0.15}, bare},
			"fork": {{Over: over, MostP50: 0.07, MostP99: 0.15}, bare},
		}
	case "node":
		over := group + "/" + floorNode
		return Ratio{Over: over}, map[string][]Ratio{"stem": {{Over: over, MostP50: 0.05, MostP99: 0.12}}}
	default:
		return Ratio{Over: group + "/" + floorGo, MostP50: 1.4, MostP99: 2}, nil
	}
}

// coldContenders are a function of each language on a server of a variant.
func (s *session) coldContenders(ctx context.Context, v Variant, group string, done *closers) ([]contender, error) {
	srv, err := s.variant(ctx, v, everyInvokeStarts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.Name, err)
	}
	done.add(srv.Close)
	var all []contender
	for _, l := range s.languages() {
		ratio, kinds := coldTargets(l.name, group)
		c := contender{row: Row{Name: v.Name + " " + l.name, Start: requestSent, End: answerRead, Ratios: []Ratio{ratio}}, kinds: kinds}
		c.slow = l.name == "node" && slices.Contains(v.Settings, withoutStemsSetting)
		if !slices.Contains(v.Settings, withoutBoxesSetting) {
			c.most = keptAhead
		}
		c.take = s.coldTake(ctx, srv, l, done)
		all = append(all, c)
	}
	return all, nil
}

func (s *session) coldTake(ctx context.Context, srv *lambent.Server, l language, done *closers) take {
	if err := l.deploy(ctx, srv, l.name, "hello"); err != nil {
		return never(err)
	}
	return coldCaller(ctx, srv, l.name, helloEvent, done)
}

// coldCaller takes cold starts of a deployed function.
func coldCaller(ctx context.Context, srv *lambent.Server, fn, event string, done *closers) take {
	caller, err := srv.NewCaller(ctx, fn, event)
	if err != nil {
		return never(err)
	}
	done.add(caller.Close)
	if _, err := caller.Invoke(); err != nil { // the first finds files that are not in memory yet
		return never(err)
	}
	return invoking(caller, true)
}

// cold lets functions, on servers of all variants, and their floors take turns.
func (s *session) cold(ctx context.Context, d time.Duration, group string, t turns, everything bool) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	var all []contender
	for _, v := range s.coldVariants() {
		some, err := s.coldContenders(ctx, v, group, &done)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	seen, err := t.run(ctx, d, append(all, s.coldFloors(ctx, &done, everything)...))
	return rowsOf(seen), err
}

// coldVariants are the usual server, one without stems, one without boxes either, and those
// that were asked for.
func (s *session) coldVariants() []Variant {
	return append([]Variant{
		usual(), {Name: "lambent without stems,", Settings: noStems()}, {Name: "lambent with nothing ahead,", Settings: nothingAhead()},
	}, s.o.Variants...)
}

// close closes all, the last first.
func (c closers) close() error {
	var failed []error
	for i := len(c) - 1; i >= 0; i-- {
		failed = append(failed, c[i]())
	}
	return errors.Join(failed...)
}

// Samples in a turn of the group cold. Most of a round goes to waiting until the machine is idle,
// once for each turn: with long turns a run of some minutes has the hundred samples that a target
// for a p99 needs, of the floors too. What is slow and has no such target takes short ones.
const (
	longTurn  = 16
	shortTurn = 3
	keptAhead = 8 // stems or boxes that a server keeps as it comes: more at once are starts of another kind
)

func coldFlat(ctx context.Context, s *session, d time.Duration) ([]Row, error) {
	length := longTurn
	if s.o.Quick {
		length = shortTurn
	}
	return s.cold(ctx, d, "cold", turns{length: length, slow: shortTurn, rest: 20 * time.Millisecond, calm: 500 * time.Millisecond, least: 1}, true)
}

func coldIdle(ctx context.Context, s *session, d time.Duration) ([]Row, error) {
	return s.cold(ctx, d, "idle", turns{length: 1, rest: 250 * time.Millisecond, least: 1}, false)
}

// coldRates alternates slices of each language at each rate with the floors.
func coldRates(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	srv, err := s.serve(ctx, everyInvokeStarts)
	if err != nil {
		return nil, err
	}
	done := closers{srv.Close}
	defer func() { err = errors.Join(err, done.close()) }()
	var all []contender
	for _, l := range s.languages() {
		for _, r := range s.rates() {
			all = append(all, s.rateContender(ctx, srv, l, r, &done))
		}
	}
	for _, c := range s.coldFloors(ctx, &done, false) {
		c.turn = 3
		all = append(all, c)
	}
	seen, err := turns{length: 1, rest: 50 * time.Millisecond, least: 1}.run(ctx, d, all)
	return rowsOf(seen), err
}

// rate is how often requests are sent, and for how long at a time.
type rate struct {
	perSecond float64
	slice     time.Duration
	name      string
}

func (s *session) rates() []rate {
	if s.o.Quick {
		return []rate{{4, time.Second, "4/s"}, {50, 200 * time.Millisecond, "50/s"}}
	}
	return []rate{{4, 2500 * time.Millisecond, "4/s"}, {50, time.Second, "50/s"}}
}

// senders are the connections of an open loop: more than ever wait at once.
const senders = 48

// rateContender's sample is a whole slice: its own samples go to the slice's series.
func (s *session) rateContender(ctx context.Context, srv *lambent.Server, l language, r rate, done *closers) contender {
	ratio, kinds := coldTargets(l.name, "rate")
	c := contender{
		row: Row{
			Name: "lambent " + l.name + " at " + r.name, Start: "the request is meant to be sent", End: answerRead, Ratios: []Ratio{ratio},
		},
		kinds: kinds,
	}
	callers, err := s.coldCallers(ctx, srv, l, done)
	if err != nil {
		c.take = never(err)
		return c
	}
	c.many = func(ctx context.Context) ([]sample, error) {
		return openSlice(ctx, callers, r, true)
	}
	return c
}

func (s *session) coldCallers(ctx context.Context, srv *lambent.Server, l language, done *closers) ([]*lambent.Caller, error) {
	name := l.name
	if err := l.deploy(ctx, srv, name, "hello"); err != nil && !alreadyThere(err) {
		return nil, err
	}
	return connect(ctx, srv, name, helloEvent, senders, done)
}

// connect opens n callers of a function and invokes it once.
func connect(ctx context.Context, srv *lambent.Server, name, event string, n int, done *closers) ([]*lambent.Caller, error) {
	all, err := callersOf(ctx, srv, name, event, n, done)
	if err != nil {
		return nil, err
	}
	_, err = all[0].Invoke()
	return all, err
}

func callersOf(ctx context.Context, srv *lambent.Server, name, event string, n int, done *closers) ([]*lambent.Caller, error) {
	var all []*lambent.Caller
	for range n {
		c, err := srv.NewCaller(ctx, name, event)
		if err != nil {
			return nil, err
		}
		done.add(c.Close)
		all = append(all, c)
	}
	return all, nil
}

// openSlice sends at a rate for a slice and returns a sample of each request.
func openSlice(ctx context.Context, callers []*lambent.Caller, r rate, cold bool) ([]sample, error) {
	seen := make([][]sample, len(callers))
	err := load.Open(ctx, len(callers), r.perSecond, r.slice, func(worker int, meant time.Time) error {
		i, err := callers[worker].Invoke()
		got := sampled(i, cold)
		got.took = latency(meant, i)
		seen[worker] = append(seen[worker], got)
		return err
	})
	var all []sample
	for _, some := range seen {
		all = append(all, some...)
	}
	return all, err
}
