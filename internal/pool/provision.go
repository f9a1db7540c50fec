package pool

import (
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Want is what one configuration asks to have initialised ahead of requests, of one
// version. Two wants of one qualifier name different versions.
type Want struct {
	Qualifier  string
	Target     *lambda.Target
	Executions int       // above 0
	Asked      time.Time // a later one tries again at once what had failed
}

// Provision says which instances of a function are to be initialised ahead of requests;
// it replaces what was said before. It begins to start and to close, and does not wait.
// Targets must have been named to Keep. Calls for one function must not overlap.
//
// The memory of what is provisioned is set aside: nothing else gets it. What moves from
// one version to another is kept until the new instances are there, unless its memory is
// needed.
func (p *Pool) Provision(id lambda.FunctionID, wants ...Want) {
	p.provision(id, wants)
	p.settle(id)             // what moved to where there is no room
	if p.memory.returned() { // by this, or by what Keep retired
		p.regrant()
	}
}

// regrant tries the configurations again that lacked memory: some was given back.
func (p *Pool) regrant() {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, f := range p.functions {
		for _, g := range f.groups {
			g.regrant()
		}
	}
}

func (p *Pool) provision(id lambda.FunctionID, wants []Want) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	f := p.function(id)
	f.wants = wants
	by := map[Key]map[string]Want{}
	for _, w := range wants {
		key := keyOf(w.Target, "")
		if by[key] == nil {
			by[key] = map[string]Want{}
		}
		by[key][w.Qualifier] = w
		if f.groups[key] == nil {
			p.add(key)
		}
	}
	for key, g := range f.groups { // first what gives memory back
		g.shrink(by[key], f.asks)
	}
	for key, g := range f.groups {
		g.grow(by[key])
	}
	p.prune(id)
}

// asks says whether a qualifier has any instance provisioned.
func (f *function) asks(qualifier string) bool {
	for _, w := range f.wants {
		if w.Qualifier == qualifier {
			return true
		}
	}
	return false
}

// Provisioned says what has become of a configuration at this moment.
func (p *Pool) Provisioned(id lambda.FunctionID, qualifier string) lambda.ProvisionedState {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t := tally{qualifier: qualifier}
	if f := p.functions[id]; f != nil {
		for _, w := range f.wants {
			if w.Qualifier == qualifier {
				t.wanted += w.Executions
			}
		}
		for _, g := range f.groups {
			g.tally(&t)
		}
	}
	return t.state()
}

// tally counts the instances of one configuration over all groups of its function.
type tally struct {
	qualifier         string
	wanted            int
	current, outgoing int // instances that are initialised
	free              int // of them
	failure           string
}

// state sums up. What is on its way out counts until what replaces it is there, and never
// beyond what was asked for.
func (t *tally) state() lambda.ProvisionedState {
	s := lambda.ProvisionedState{Allocated: min(t.current+t.outgoing, t.wanted), Available: min(t.free, t.wanted)}
	switch {
	case t.failure != "":
		s.Status, s.Reason = lambda.ProvisionedFailed, t.failure
	case t.wanted > 0 && t.current >= t.wanted:
		s.Status = lambda.ProvisionedReady
	default:
		s.Status = lambda.ProvisionedInProgress
	}
	return s
}

// settle lets instances go that were kept only until others were there, of
// configurations that have all they want or cannot get it.
func (p *Pool) settle(id lambda.FunctionID) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	f := p.functions[id]
	if f == nil {
		return
	}
	for _, g := range f.groups {
		for _, qualifier := range g.outgoing() {
			if p.replaced(f, qualifier) {
				g.letGo(qualifier)
			}
		}
	}
}

// replaced says whether nothing is gained by waiting longer for a configuration.
// Preconditions: mu is held.
func (p *Pool) replaced(f *function, qualifier string) bool {
	for _, g := range f.groups {
		if g.pending(qualifier) {
			return false
		}
	}
	return true
}
