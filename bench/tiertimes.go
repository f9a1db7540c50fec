package bench

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"
)

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

func (t *tierTurns) cold(ctx context.Context, d time.Duration) ([]Row, error) {
	all := eachTier(TierCold, "ms", func(tier string) take {
		caller, err := t.caller(ctx, t.starts, tier)
		if err != nil {
			return never(err)
		}
		return ofAnyKind(invoking(caller, true), t.f.Proves)
	})
	for i, tier := range Tiers() {
		if slices.Contains(t.emulated, tier) {
			all[i].turn = 1 // three would take seconds
		}
	}
	spawn := trueFloor()
	spawn.row.Name = tierRow(TierFloor, TierCold)
	return t.paced(ctx, time.Now().Add(d), turns{length: 3, calm: 400 * time.Millisecond, pace: newPace(spawn, 5)}, all)
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

// paced measures the isolations until end, what is emulated after the others and for as long as
// each of them, and between their turns the floor, whose row comes last.
func (t *tierTurns) paced(ctx context.Context, end time.Time, with turns, all []contender) ([]Row, error) {
	with.least, with.tight = 1, true
	var native, emulated []contender
	for i, tier := range Tiers() {
		if slices.Contains(t.emulated, tier) {
			emulated = append(emulated, all[i])
		} else {
			native = append(native, all[i])
		}
	}
	share := time.Until(end) * time.Duration(len(native)) / time.Duration(len(all))
	seen, err := with.run(ctx, share, native)
	more, failed := with.run(ctx, time.Until(end), emulated)
	return rowsOf(append(append(seen, more...), with.pace.floor)), errors.Join(err, failed)
}

// echoFloor is a plain server over one connection.
func (t *tierTurns) echoFloor(ctx context.Context) contender {
	c := t.plainServers()[0].contender(ctx, t.f.Event, &t.done)
	c.row.Name = tierRow(TierFloor, TierWarm)
	return c
}

func (t *tierTurns) warm(ctx context.Context, d time.Duration) ([]Row, error) {
	end := time.Now().Add(d)
	echo := t.echoFloor(ctx)
	all := eachTier(TierWarm, "ms", func(tier string) take {
		caller, err := t.caller(ctx, t.stays, tier)
		if err != nil {
			return never(err)
		}
		return warmedUpFor(ctx, d/16, invoking(caller, false))
	})
	return t.paced(ctx, end, turns{length: 64, lasts: 20 * time.Millisecond, pace: newPace(echo, 16)}, all)
}

func (t *tierTurns) rates(ctx context.Context, d time.Duration) ([]Row, error) {
	end, ready := time.Now().Add(d), time.Now().Add(d/3)
	plain, err := t.flood(ctx, t.plainServers()[0], 2*runtime.NumCPU(), &t.done)
	echo := contender{row: Row{Name: tierRow(TierFloor, TierRate), Unit: "1/s"}}.flooding(t.tierSlice()/2, plain, err)
	all := eachTier(TierRate, "1/s", func(string) take { return nil })
	for i, tier := range Tiers() {
		flood, err := t.tierFlood(ctx, tier, ready)
		all[i] = all[i].flooding(t.tierSlice(), flood, err)
	}
	return t.paced(ctx, end, turns{length: 1, pace: newPace(echo, 1)}, all)
}

// tierSlice is short: the machine's speed should be the same in it and in the floor's.
func (s *session) tierSlice() time.Duration { return s.slice() / 2 }

func (t *tierTurns) tierFlood(ctx context.Context, tier string, ready time.Time) (flood, error) {
	callers, err := t.callers(ctx, t.stays, tier, t.crowd(tier))
	if err != nil {
		return nil, err
	}
	return steadied(ctx, floodOf(callers), t.tierSlice(), ready)
}

// crowd is how many ask at once. Where a processor is emulated it is one: how many emulators a server
// starts for more, on CPUs that one of them fills, is chance, and so would be the rate.
func (t *tierTurns) crowd(tier string) int {
	if slices.Contains(t.emulated, tier) {
		return 1
	}
	return 2 * runtime.NumCPU()
}

// steadySlices is how many slices in a row must bring no new best rate: one alone may have met the
// start of another instance.
const steadySlices = 3

// steadied floods until it is hardly faster than it was, or it is time: instances start, and
// emulators translate code when it first runs.
func steadied(ctx context.Context, f flood, slice time.Duration, ready time.Time) (flood, error) {
	best := 0.0
	for same := 0; same < steadySlices && time.Now().Before(ready); same++ {
		rate, err := f.perSecond(ctx, slice)
		if err != nil {
			return f, err
		}
		if rate > 1.1*best {
			best, same = rate, -1
		}
	}
	return f, nil
}
