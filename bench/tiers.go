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

const methodTiers = "The same function in every isolation of this host, by turns, on one server for each part. cold: a request that finds no instance (keep-alive 0, as in the group cold), however the server makes one; turns of three, of one where a processor is emulated, after each of which the machine may become idle: of the starts in a turn always the same share finds something ready. warm: one connection, one request after the other. requests per second: two connections for each core, closed loop, in slices of a quarter of a second. The floor is measured between all turns: /bin/true spawned and reaped beside cold starts, a plain echo of HTTP beside the others. \"Over the floor\" are samples as multiples of the floor right before and after them: a virtual machine's speed changes, multiples stay. idle instance: what the PSS of the processes that the server has started grows by with five more, divided by five, the median of three times where there is time for them; memory that the kernel and the server itself hold for them is not in it."

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
	}{{0.45, s.tierCold}, {0.2, s.tierWarm}, {0.25, s.tierRates}, {0.1, s.tierMemory}} {
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
	for i, tier := range Tiers() {
		if slices.Contains(s.o.Emulated, tier) {
			all[i].turn = 1 // three would take seconds
		}
	}
	spawn := trueFloor()
	spawn.row.Name = tierRow(TierFloor, TierCold)
	return s.paced(ctx, d, turns{length: 3, calm: 400 * time.Millisecond, least: 2, pace: newPace(spawn, 5)}, all)
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
// the batches the median counts.
const (
	idleBatches = 3
	idleOnes    = 5
)

// idleCalm is how long memory may wait to be read for a machine that does nothing: what is made ready
// or cleaned up behind an answer is no instance's.
const idleCalm = 500 * time.Millisecond

// tierMemory starts one instance of every isolation before it reads anything: what all share, and
// what the server makes once, is not counted.
func (s *session) tierMemory(ctx context.Context, f Example, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	srv, err := s.tierServer(ctx, &done, slices.Concat(nothingAhead(), []string{roomForAll})...)
	if err != nil {
		return nil, err
	}
	start := func(tier string, i int) error {
		name := fmt.Sprintf("%s-%d", tier, i)
		if err := deployIn(ctx, srv, f, tier, name); err != nil {
			return err
		}
		_, err := connect(ctx, srv, name, f.Event, 1, &done)
		return err
	}
	first := map[string]error{}
	for _, tier := range Tiers() {
		first[tier] = start(tier, 0)
	}
	for _, tier := range Tiers() {
		rows = append(rows, tierIdleRow(ctx, srv, tier, d/time.Duration(len(Tiers())), first[tier], start))
	}
	return rows, context.Cause(ctx)
}

// tierIdleRow starts as many batches as there is time for, one at least.
func tierIdleRow(ctx context.Context, srv *lambent.Server, tier string, d time.Duration, failed error, start func(string, int) error) Row {
	var each []float64
	end := time.Now().Add(d)
	for batch := 0; failed == nil && (batch == 0 || batch < idleBatches && time.Now().Before(end)); batch++ {
		var grown float64
		grown, failed = batchMemory(ctx, srv, func(i int) error { return start(tier, 1+batch*idleOnes+i) })
		each = append(each, grown)
	}
	row := memoryRow(tierRow(tier, TierIdle), "an instance has answered one request", each, 0)
	if failed != nil {
		row.Missing = oneLine(failed.Error())
	}
	return row
}

// batchMemory is by how many MB each instance of a batch makes the server's processes grow. Its own
// is left out: its heap rises and falls with its garbage by as much as an instance.
func batchMemory(ctx context.Context, srv *lambent.Server, start func(int) error) (float64, error) {
	before, err := calmMemory(ctx, srv)
	if err != nil {
		return 0, err
	}
	for i := range idleOnes {
		if err := start(i); err != nil {
			return 0, err
		}
	}
	after, err := calmMemory(ctx, srv)
	return kib * float64(after.PSS-before.PSS) / idleOnes, err
}

func calmMemory(ctx context.Context, srv *lambent.Server) (lambent.Memory, error) {
	if err := calmDown(ctx, idleCalm); err != nil {
		return lambent.Memory{}, err
	}
	return srv.Descendants()
}
