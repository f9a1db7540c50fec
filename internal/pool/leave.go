package pool

// Leave makes all instances leave as soon as they have finished what they have: another
// process takes what comes now. Requests that still come here are served, by instances
// that nothing is kept of.
func (p *Pool) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, f := range p.functions {
		f.current, f.wants = nil, nil
		for key, g := range f.groups {
			delete(f.groups, key)
			g.retire(whyClosing)
		}
		p.prune(id)
	}
}
