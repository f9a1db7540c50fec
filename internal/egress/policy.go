package egress

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// policy is what a function's tags make of its sandbox's network.
type policy struct {
	only  bool
	names []lambda.Name
	open  []opening // by address; no two have anything in common

	ports []lambda.Ports // of all names, cut so that no two have anything in common

	mu    sync.Mutex // protects until
	until map[opening]time.Time
}

func newPolicy(r lambda.Reach) *policy {
	return &policy{only: r.Only, names: r.Names, open: disjoint(r.Open), ports: cutPorts(r.Names), until: map[opening]time.Time{}}
}

// every is what the zero Ports stands for.
var every = lambda.Ports{First: 0, Last: 65535}

func explicit(p lambda.Ports) lambda.Ports {
	if p == (lambda.Ports{}) {
		return every
	}
	return p
}

// disjoint makes openings without anything in common, which the kernel's sets ask for, of
// endpoints. Networks are within each other or apart: what a wider one has is left out of
// those within it.
func disjoint(all []lambda.Endpoint) (out []opening) {
	wide := slices.Clone(all)
	slices.SortStableFunc(wide, func(a, b lambda.Endpoint) int { return cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()) })
	for _, e := range wide {
		rest := []lambda.Ports{explicit(e.Ports)}
		for _, o := range out {
			if o.prefix.Overlaps(e.Prefix) {
				rest = subtract(rest, o.ports)
			}
		}
		for _, ports := range rest {
			out = append(out, opening{e.Prefix, ports})
		}
	}
	return out
}

// subtract takes a range out of others.
func subtract(from []lambda.Ports, p lambda.Ports) (rest []lambda.Ports) {
	for _, r := range from {
		if r.Last < p.First || r.First > p.Last {
			rest = append(rest, r)
			continue
		}
		if r.First < p.First {
			rest = append(rest, lambda.Ports{First: r.First, Last: p.First - 1})
		}
		if r.Last > p.Last {
			rest = append(rest, lambda.Ports{First: p.Last + 1, Last: r.Last})
		}
	}
	return rest
}

// cutPorts cuts the ranges of names at each other's ends, so that two names with one address
// have whole pieces in common or none.
func cutPorts(names []lambda.Name) (pieces []lambda.Ports) {
	var starts []int
	for _, n := range names {
		p := explicit(n.Ports)
		starts = append(starts, int(p.First), int(p.Last)+1)
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	for i := range len(starts) - 1 {
		pieces = append(pieces, lambda.Ports{First: uint16(starts[i]), Last: uint16(starts[i+1] - 1)})
	}
	return pieces
}

// piecesOf returns the pieces of a name's ports.
func (p *policy) piecesOf(n lambda.Name) (pieces []lambda.Ports) {
	whole := explicit(n.Ports)
	for _, piece := range p.ports {
		if whole.First <= piece.First && piece.Last <= whole.Last {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}

// permits says whether a name may be asked for.
func (p *policy) permits(host string) bool {
	return !p.only || slices.ContainsFunc(p.names, func(n lambda.Name) bool { return n.Matches(host) })
}

// openings are what the address of a name opens.
func (p *policy) openings(host string, a netip.Addr) (all []opening) {
	for _, n := range p.names {
		if !n.Matches(host) {
			continue
		}
		for _, piece := range p.piecesOf(n) {
			if o := (opening{single(a), piece}); !slices.Contains(all, o) {
				all = append(all, o)
			}
		}
	}
	return all
}

const (
	// leastLife is for how long the address of a name stays open at least: programs keep what
	// they resolved for longer than a name server asks.
	leastLife = time.Minute
	// mostOpen bounds the addresses that names have opened for one sandbox.
	mostOpen = 4096
)

// admit opens an address of a name that was resolved.
func (l *Link) admit(p *policy, host string, a netip.Addr, life time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	life = max(life, leastLife)
	for _, o := range p.openings(host, a) {
		if err := l.admitOne(p, o, now, life); err != nil {
			return err
		}
	}
	return nil
}

func (l *Link) admitOne(p *policy, o opening, now time.Time, life time.Duration) error {
	until, renew := p.until[o]
	if renew && until.After(now.Add(life-time.Second)) {
		return nil // it was resolved just now
	}
	if len(p.until) >= mostOpen && !p.forgetPast(now) {
		return errTooManyOpen
	}
	if err := l.hub.rules.admit(l.Address, o, life, renew); err != nil {
		return err
	}
	p.until[o] = now.Add(life)
	return nil
}

// forgetPast forgets what has ended; false = nothing has. Preconditions: mu is held.
func (p *policy) forgetPast(now time.Time) bool {
	before := len(p.until)
	for o, until := range p.until {
		if until.Before(now) {
			delete(p.until, o)
		}
	}
	return len(p.until) < before
}
