package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"lambent.dev/lambent/bench/lambent"
)

const methodTiers = "The same function in every isolation of this host, by turns, on one server for each part. cold: a request that finds no instance (keep-alive 0, as in the group cold), however the server makes one. warm: one connection, one request after the other. requests per second: two connections for each core, closed loop. idle instance: what the PSS of the server's processes grows by, divided by the instances that were started; memory that the kernel holds for them is not in it."

// Tiers lists the isolations, the weakest first.
func Tiers() []string { return []string{"process", "light", "gvisor", "microvm"} }

// The parts of the group tiers, as their rows name them after the tier.
const (
	TierCold  = "cold"
	TierWarm  = "warm"
	TierRate  = "requests per second"
	TierIdle  = "idle instance"
	tierFloor = "light" // what the others are compared with
)

// tierRow names a part's row: "light, cold".
func tierRow(tier, part string) string { return tier + ", " + part }

// tiers measures one function in every isolation.
func tiers(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	f, err := s.tierFunction()
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		share float64
		run   func(context.Context, Example, time.Duration) ([]Row, error)
	}{{0.5, s.tierCold}, {0.2, s.tierWarm}, {0.3, s.tierRates}, {0, s.tierMemory}} {
		some, err := part.run(ctx, f, time.Duration(float64(d)*part.share))
		if err != nil {
			return rows, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// tierFunction is the one that was asked for, or a greeting in the first language of this host.
func (s *session) tierFunction() (Example, error) {
	if s.o.Subject != nil {
		return *s.o.Subject, nil
	}
	for _, l := range s.languages() {
		if l.runtime == "" {
			continue
		}
		zip, err := l.pack("hello")
		return Example{Name: "hello", Runtime: l.runtime, Handler: l.handler("hello"), Zip: zip, Event: helloEvent, Proves: l.name != "go"}, err
	}
	return Example{}, errNoInterpreter
}

// tierServer starts a server that offers every tier that there is.
func (s *session) tierServer(ctx context.Context, done *closers, settings ...string) (*lambent.Server, error) {
	srv, err := s.serve(ctx, append(settings, "LAMBENT_ALLOW_PROCESS=true")...)
	if err == nil {
		done.add(srv.Close)
	}
	return srv, err
}

func deployIn(ctx context.Context, srv *lambent.Server, f Example, tier, name string) error {
	err := srv.Deploy(ctx, lambent.Function{
		Name: name, Runtime: f.Runtime, Handler: f.Handler, Zip: f.Zip, Memory: f.Memory, Environment: f.Environment,
		Tags: map[string]string{"lambent:isolation": tier},
	})
	var refused smithy.APIError
	if errors.As(err, &refused) { // what the host lacks, and how to get it
		return errors.New(refused.ErrorMessage())
	}
	return err
}

// eachTier makes a contender of each; one that cannot be had says why.
func eachTier(part, unit string, take func(tier string) take) []contender {
	all := make([]contender, 0, len(Tiers()))
	for _, tier := range Tiers() {
		c := contender{row: Row{Name: tierRow(tier, part), Start: requestSent, End: answerRead, Unit: unit}, take: take(tier)}
		if tier != tierFloor {
			c.row.Ratios = []Ratio{{Over: "tiers/" + tierRow(tierFloor, part)}}
		}
		all = append(all, c)
	}
	return all
}

func (s *session) tierCold(ctx context.Context, f Example, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	srv, err := s.tierServer(ctx, &done, everyInvokeStarts)
	if err != nil {
		return nil, err
	}
	all := eachTier(TierCold, "ms", func(tier string) take {
		if err := deployIn(ctx, srv, f, tier, tier); err != nil {
			return never(err)
		}
		return ofAnyKind(coldCaller(ctx, srv, tier, f.Event, &done), f.Proves)
	})
	seen, err := turns{length: 3, rest: 20 * time.Millisecond, least: 2}.run(ctx, d, all)
	return rowsOf(seen), err
}

// ofAnyKind takes starts of all kinds together. Of a function that cannot prove when it was
// imported, an answer is cold that the server does not call warm.
func ofAnyKind(t take, proves bool) take {
	return func(ctx context.Context) (sample, error) {
		got, err := t(ctx)
		if !proves {
			got.notCold = got.kind == "warm"
		}
		got.kind = ""
		return got, err
	}
}

func (s *session) tierWarm(ctx context.Context, f Example, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	srv, err := s.tierServer(ctx, &done)
	if err != nil {
		return nil, err
	}
	all := eachTier(TierWarm, "ms", func(tier string) take {
		if err := deployIn(ctx, srv, f, tier, tier); err != nil {
			return never(err)
		}
		caller, err := srv.NewCaller(ctx, tier, f.Event)
		if err != nil {
			return never(err)
		}
		done.add(caller.Close)
		return warmedUp(ctx, invoking(caller, false))
	})
	seen, err := turns{length: 16, least: 2}.run(ctx, d, all)
	return rowsOf(seen), err
}

func (s *session) tierRates(ctx context.Context, f Example, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	srv, err := s.tierServer(ctx, &done)
	if err != nil {
		return nil, err
	}
	all := eachTier(TierRate, "1/s", func(string) take { return nil })
	for i, tier := range Tiers() {
		flood, err := s.tierFlood(ctx, srv, f, tier, &done)
		all[i] = all[i].flooding(2*s.slice(), flood, err)
	}
	seen, err := turns{length: 1, least: 2}.run(ctx, d, all)
	return rowsOf(seen), err
}

func (s *session) tierFlood(ctx context.Context, srv *lambent.Server, f Example, tier string, done *closers) (flood, error) {
	if err := deployIn(ctx, srv, f, tier, tier); err != nil {
		return nil, err
	}
	callers, err := connect(ctx, srv, tier, f.Event, 2*runtime.NumCPU(), done)
	if err != nil {
		return nil, err
	}
	return s.warmFlood(ctx, floodOf(callers))
}

// idleOnes is how many instances share what memory they need together.
const idleOnes = 5

func (s *session) tierMemory(ctx context.Context, f Example, _ time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	srv, err := s.tierServer(ctx, &done, slices.Concat(nothingAhead(), []string{roomForAll})...)
	if err != nil {
		return nil, err
	}
	for _, tier := range Tiers() {
		each, err := idleMemory(ctx, srv, f, tier, &done)
		row := memoryRow(tierRow(tier, TierIdle), "an instance has answered one request", each, 0)
		if err != nil {
			row.Missing = oneLine(err.Error())
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// idleMemory starts instances of a tier, one of them before the memory is first read: what all
// share is not counted.
func idleMemory(ctx context.Context, srv *lambent.Server, f Example, tier string, done *closers) ([]float64, error) {
	start := func(i int) error {
		name := fmt.Sprintf("%s-%d", tier, i)
		if err := deployIn(ctx, srv, f, tier, name); err != nil {
			return err
		}
		_, err := connect(ctx, srv, name, f.Event, 1, done)
		return err
	}
	if err := start(0); err != nil {
		return nil, err
	}
	before, err := srv.Whole()
	if err != nil {
		return nil, err
	}
	for i := range idleOnes {
		if err := start(i + 1); err != nil {
			return nil, err
		}
	}
	after, err := srv.Whole()
	return []float64{kib * float64(after.PSS-before.PSS) / idleOnes}, err
}
