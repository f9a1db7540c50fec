package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"lambent.dev/lambent/bench/lambent"
)

const methodTiers = "The same function in every isolation of this host, by turns, on one server for each part. cold: a request that finds no instance (keep-alive 0, as in the group cold), however the server makes one; turns of three at most, after each of which the machine may become idle. warm: one connection, one request after the other. requests per second: two connections for each core, closed loop, in slices of a quarter of a second. The floor is measured between all turns: /bin/true spawned and reaped beside cold starts, a plain echo of HTTP beside the others. \"Over the floor\" are samples as multiples of the floor right before and after them: a virtual machine's speed changes, multiples stay. idle instance: what the PSS of the server's processes grows by with five more, divided by five; memory that the kernel holds for them is not in it."

// Tiers lists the isolations, the weakest first.
func Tiers() []string { return []string{"process", "light", "gvisor", "microvm"} }

// The parts of the group tiers, as their rows name them after the tier.
const (
	TierCold  = "cold"
	TierWarm  = "warm"
	TierRate  = "requests per second"
	TierIdle  = "idle instance"
	TierFloor = "floor" // in the place of a tier: what tells how fast the machine was
	tierFloor = "light" // what the others are compared with
)

// tierRow names a part's row: "light, cold".
func tierRow(tier, part string) string { return tier + ", " + part }

// tiers measures one function in every isolation.
func tiers(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	defer func() { s.labelEmulated(rows) }()
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

// labelEmulated marks all rows of the tiers that are emulated, as the host's drivers or one of
// their answers say, and takes their ratios away: they compare an emulator with a processor.
func (s *session) labelEmulated(rows []Row) {
	emulated := slices.Clone(s.o.Emulated)
	for _, r := range rows {
		if r.Emulated {
			emulated = append(emulated, tierOf(r))
		}
	}
	for i := range rows {
		if slices.Contains(emulated, tierOf(rows[i])) {
			rows[i].Emulated, rows[i].Ratios = true, nil
		}
	}
}

func tierOf(r Row) string {
	tier, _, _ := strings.Cut(r.Name, ", ")
	return tier
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
	spawn := trueFloor()
	spawn.row.Name = tierRow(TierFloor, TierCold)
	return s.paced(ctx, d, turns{length: 3, lasts: 50 * time.Millisecond, calm: 400 * time.Millisecond, least: 2, pace: newPace(spawn, 5)}, all)
}

// paced measures the tiers, and between their turns the floor, whose row comes last.
func (s *session) paced(ctx context.Context, d time.Duration, t turns, all []contender) ([]Row, error) {
	seen, err := t.run(ctx, d, all)
	return rowsOf(append(seen, t.pace.floor)), err
}

// echoFloor is a plain server over one connection.
func (s *session) echoFloor(ctx context.Context, f Example, part string, done *closers) contender {
	echo := s.plainServers()[0]
	c := echo.contender(ctx, f.Event, done)
	c.row.Name = tierRow(TierFloor, part)
	return c
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
	echo := s.echoFloor(ctx, f, TierWarm, &done)
	return s.paced(ctx, d, turns{length: 64, lasts: 20 * time.Millisecond, least: 2, pace: newPace(echo, 16)}, all)
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
		all[i] = all[i].flooding(s.tierSlice(), flood, err)
	}
	echo := contender{row: Row{Name: tierRow(TierFloor, TierRate), Unit: "1/s"}}
	flood, err := s.flood(ctx, s.plainServers()[0], 2*runtime.NumCPU(), &done)
	echo = echo.flooding(s.tierSlice()/2, flood, err)
	return s.paced(ctx, d, turns{length: 1, least: 2, pace: newPace(echo, 1)}, all)
}

// tierSlice is short: the machine's speed should be the same in it and in the floor's.
func (s *session) tierSlice() time.Duration { return s.slice() / 2 }

func (s *session) tierFlood(ctx context.Context, srv *lambent.Server, f Example, tier string, done *closers) (flood, error) {
	if err := deployIn(ctx, srv, f, tier, tier); err != nil {
		return nil, err
	}
	callers, err := connect(ctx, srv, tier, f.Event, 2*runtime.NumCPU(), done)
	if err != nil {
		return nil, err
	}
	return steadied(ctx, floodOf(callers), s.tierSlice())
}

// warmSlices is how many slices a flood may take to become as fast as it will be.
const warmSlices = 12

// steadied floods until a slice is hardly faster than the one before: emulators translate code
// when it first runs.
func steadied(ctx context.Context, f flood, slice time.Duration) (flood, error) {
	for last, i := 0.0, 0; i < warmSlices; i++ {
		rate, err := f.perSecond(ctx, slice)
		if err != nil || rate < 1.1*last {
			return f, err
		}
		last = rate
	}
	return f, nil
}

// Instances are started in batches: those of one share what memory they need together, and of
// the batches the median counts, for the server's own memory rises and falls meanwhile.
const (
	idleBatches = 3
	idleOnes    = 5
)

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
	var each []float64
	for batch := range idleBatches {
		grown, err := batchMemory(srv, func(i int) error { return start(1 + batch*idleOnes + i) })
		if err != nil {
			return nil, err
		}
		each = append(each, grown)
	}
	return each, nil
}

// batchMemory is by how many MB each instance of a batch makes the server grow.
func batchMemory(srv *lambent.Server, start func(int) error) (float64, error) {
	before, err := srv.Whole()
	if err != nil {
		return 0, err
	}
	for i := range idleOnes {
		if err := start(i); err != nil {
			return 0, err
		}
	}
	after, err := srv.Whole()
	return kib * float64(after.PSS-before.PSS) / idleOnes, err
}
