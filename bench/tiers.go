package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const methodTiers = "The same function in every isolation of this host, by turns, on two servers, one for cold starts; what software emulates comes after the others in each part, so that nobody is measured beside an emulator. Before the clock of the group runs, each isolation has answered once on both. cold: a request that finds no instance (keep-alive 0, as in the group cold), however the server makes one; turns of three, of one where a processor is emulated, after each of which the machine may become idle: of the starts in a turn always the same share finds something ready. warm: one connection, one request after the other. requests per second: two connections for each core, one where a processor is emulated, closed loop, in slices of a quarter of a second. The floor is measured between all turns: /bin/true spawned and reaped beside cold starts, a plain echo of HTTP beside the others. \"Over the floor\" are samples as multiples of the floor right before and after them: a virtual machine's speed changes, multiples stay. idle instance: what the PSS of the processes that the server has started grows by with five more, divided by five, the median of three times, or fewer where there is no time for them; memory that the kernel and the server itself hold for them is not in it."

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

// TierMargin is what the group may last beyond its time: for the first start of each isolation,
// and for the first turn of one that takes longer than its part has time. What is not done then
// is not measured, and its row says so.
const TierMargin = 22 * time.Second

var errTimeOver = fmt.Errorf("there was no time: it was not done %.0f s after the time of the measurement", TierMargin.Seconds())

// tiers measures one function in every isolation, for d and TierMargin at most.
func tiers(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	f, err := s.tierFunction()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d+TierMargin, errTimeOver)
	defer cancel()
	t := &tierTurns{session: s, f: f}
	defer func() { t.label(rows); err = errors.Join(err, t.done.close()) }()
	if err := t.start(ctx, d); err != nil {
		return nil, err
	}
	for _, part := range t.parts() {
		some, err := part.run(ctx, time.Duration(float64(d)*part.share))
		rows = append(rows, some...)
		if err != nil && !errors.Is(err, errTimeOver) {
			return rows, err
		}
	}
	return rows, nil
}

// tierTurns is what the parts of one run share.
type tierTurns struct {
	*session
	f    Example
	done closers

	emulated      []string    // isolations on a processor that software emulates, as their first answers said
	starts, stays *tierServer // every request starts an instance; instances stay, and nothing is kept ahead
}

// tierPart is one part of the group.
type tierPart struct {
	share float64 // of the group's time
	run   func(context.Context, time.Duration) ([]Row, error)
}

func (t *tierTurns) parts() []tierPart {
	return []tierPart{{0.55, t.cold}, {0.15, t.warm}, {0.2, t.rates}, {0.1, t.memory}}
}

// label marks all rows of the isolations that are emulated and takes their ratios away: they
// compare an emulator with a processor.
func (t *tierTurns) label(rows []Row) {
	for i := range rows {
		if slices.Contains(t.emulated, tierOf(rows[i])) {
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
