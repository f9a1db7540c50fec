package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const methodTail = "The maximum rate is the median of slices of a closed loop of 16 connections, the contenders by turns. Then requests are sent at half of it, and all contenders get the same fixed rates, too, whatever earlier requests are doing; each one's latency counts from the moment at which it was meant to be sent (open loop, 48 connections), lateness of the load generator included. Slices of the contenders alternate. Lambent's server has memory for four instances; it gets more of the time at half its maximum than the others. The page shows the seconds of each, with the share of the CPUs' time that the hypervisor took in them and how long after they were due requests were sent (late, its 99th percentile)."

// tailLimit is how many times its median a 99th percentile may be.
const tailLimit = 4

// Shares of the group's time: slices at half of Lambent's maximum, and all others together.
const (
	tailMaxima = 0.08
	tailOurs   = 0.55
	tailOthers = 0.33
	tailRounds = 4
)

// paced is a server that the group tail asks.
type paced struct {
	name  string
	limit *Limit // at half the maximum
	flood flood
	err   error   // why there is no flood
	most  float64 // answers per second, the maximum
}

func tail(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	all := s.pacedServers(ctx, &done)
	if err := s.maxima(ctx, all, part(d, tailMaxima)); err != nil {
		return nil, err
	}
	contenders := s.tailContenders(all, d)
	steal := watchSteal(ctx)
	seen, err := turns{length: 1, least: 1}.run(ctx, part(d, tailOurs+tailOthers), contenders)
	steal.end()
	rows = tailRows(seen)
	steal.tell(rows)
	return rows, err
}

func part(d time.Duration, share float64) time.Duration { return time.Duration(share * float64(d)) }

// pacedServers starts Lambent and two plain servers.
func (s *session) pacedServers(ctx context.Context, done *closers) []*paced {
	ours := &paced{name: "lambent python", limit: &Limit{Most: tailLimit}}
	ours.flood, ours.err = s.fourInstances(ctx, s.languages()[0], senders, done)
	all := []*paced{ours}
	for _, p := range []plain{s.plainServers()[0], s.plainPython(plainPython, "hello")} {
		f, err := s.flood(ctx, p, senders, done)
		all = append(all, &paced{name: p.name, flood: f, err: err})
	}
	return all
}

// maxima measures how many requests each answers in a second.
func (s *session) maxima(ctx context.Context, all []*paced, d time.Duration) error {
	contenders := make([]contender, len(all))
	for i, p := range all {
		contenders[i] = contender{}.flooding(s.slice(), p.flood[:min(connections, len(p.flood))], p.err)
	}
	seen, err := turns{length: 1, least: 3}.run(ctx, d, contenders)
	if err != nil {
		return err
	}
	for i, p := range all {
		if p.err = seen[i].failed; p.err == nil {
			p.most = median(seen[i].values[""])
		}
	}
	return nil
}

// tailContenders are all servers at half their maxima, and at the same fixed rates.
func (s *session) tailContenders(all []*paced, d time.Duration) []contender {
	others := len(all)*(1+len(s.o.Rates)) - 1
	long, short := part(d, tailOurs/tailRounds), part(d, tailOthers/float64(tailRounds*others))
	var some []contender
	for i, p := range all {
		slice := short
		if i == 0 {
			slice = long
		}
		half := p.at(p.name, rate{perSecond: p.most / 2, slice: slice})
		half.row.Note = fmt.Sprintf("%.0f/s, half of %.0f/s", p.most/2, p.most)
		half.row.Limit = p.limit
		some = append(some, half)
	}
	for _, perSecond := range s.o.Rates {
		for _, p := range all {
			some = append(some, p.at(fmt.Sprintf("%s at %g/s", p.name, perSecond), rate{perSecond: perSecond, slice: short}))
		}
	}
	return some
}

// at is the contender at a rate.
func (p *paced) at(name string, r rate) contender {
	c := contender{row: Row{Name: name, Start: "the request is meant to be sent", End: answerRead}}
	c.many = func(ctx context.Context) ([]sample, error) {
		if p.err != nil {
			return nil, p.err
		}
		return p.flood.open(ctx, r)
	}
	return c
}

// tailRows are the latencies of each, and how far its tail is from its middle.
func tailRows(seen []*series) (rows []Row) {
	for _, s := range seen {
		row := rowsOf([]*series{s})[0] // there are no start kinds here
		row.Seconds = s.timed.seconds()
		flat := Row{Name: row.Name + ", p99 over p50", Start: row.Start, End: row.End, Unit: "×", N: row.N, Missing: row.Missing, Limit: row.Limit}
		flat.P50 = quotient(row.P99, row.P50)
		if flat.P50 == nil && flat.Missing == "" {
			flat.Missing = "too few samples for a p99"
		}
		row.Limit = nil
		rows = append(rows, row, flat)
	}
	return rows
}
