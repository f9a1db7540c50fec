package pool

import (
	"slices"
	"sync"
	"time"
)

// pace is what a group has measured of its requests and starts. It has a lock of its own:
// every request writes to it, and only one that finds no instance reads it.
type pace struct {
	mu      sync.Mutex  // guards what follows; after group.mu
	flights []time.Time // when requests in flight got their instances; zero = free
	vacant  []int       // free places in flights
	took    samples     // how long requests had their instances
	starts  samples     // how long starts on demand took, the wait for memory included
}

// samples are the last measurements of one kind, in a ring, and what estimates need of them,
// kept up with each: under load they are looked at for every request.
type samples struct {
	ring   []time.Duration
	next   int
	sorted []time.Duration // the same, from the shortest
	sum    time.Duration
}

// samplesKept is how many measurements an estimate rests on. So many follow a change of
// the function's behaviour within as many requests, and err by about an eighth of the
// spread of the values (the standard error of a mean of 64).
const samplesKept = 64

func (s *samples) add(d time.Duration) {
	if len(s.ring) < samplesKept {
		s.ring = append(s.ring, d)
	} else {
		s.drop(s.ring[s.next])
		s.ring[s.next] = d
		s.next = (s.next + 1) % samplesKept
	}
	i, _ := slices.BinarySearch(s.sorted, d)
	s.sorted = slices.Insert(s.sorted, i, d)
	s.sum += d
}

// drop forgets one that is there.
func (s *samples) drop(d time.Duration) {
	i, _ := slices.BinarySearch(s.sorted, d)
	s.sorted = slices.Delete(s.sorted, i, i+1)
	s.sum -= d
}

// mean is false where nothing was measured.
func (s *samples) mean() (time.Duration, bool) {
	if len(s.ring) == 0 {
		return 0, false
	}
	return s.sum / time.Duration(len(s.ring)), true
}

// left is what is expected of a flight that has lasted for age: the mean of what the measured
// ones that lasted longer had left then; false if none did.
func (s *samples) left(age time.Duration) (time.Duration, bool) {
	i, _ := slices.BinarySearch(s.sorted, age+1)
	longer := s.sorted[i:]
	if len(longer) == 0 {
		return 0, false
	}
	var sum time.Duration
	for _, took := range longer {
		sum += took
	}
	return sum/time.Duration(len(longer)) - age, true
}

// depart notes that a request got an instance; land takes the place that it returns.
func (p *pace) depart(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.vacant); n > 0 {
		place := p.vacant[n-1]
		p.vacant = p.vacant[:n-1]
		p.flights[place] = now
		return place
	}
	p.flights = append(p.flights, now)
	return len(p.flights) - 1
}

// land notes that a request gave its instance back.
func (p *pace) land(place int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took.add(now.Sub(p.flights[place]))
	p.flights[place] = time.Time{}
	p.vacant = append(p.vacant, place)
}

// flown notes how long a request had its instance that did not depart.
func (p *pace) flown(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took.add(d)
}

// started notes how long a start took.
func (p *pace) started(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starts.add(d)
}

// start is how long a start is expected to take, false where none was measured.
func (p *pace) start() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts.mean()
}

// usualAfter is how many measurements tell what is usual.
const usualAfter = 16

// sooner counts how many waiting requests, up to most, the instances in use are expected to
// take within d: each one when its request ends, and more when those end that it takes then.
// Of a request that has run longer than all that were measured nothing is known; where these tell
// what is usual, so many waiting requests as are fresh wait for it as if it ended in a moment.
func (p *pace) sooner(d time.Duration, now time.Time, most, fresh int) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mean, _ := p.took.mean()
	within := func(d time.Duration) int { return 1 + int(d/max(mean, 1)) }
	overdue := 0
	for _, since := range p.flights {
		if n >= most {
			return most
		}
		if since.IsZero() {
			continue
		}
		switch rest, known := p.took.left(now.Sub(since)); {
		case !known:
			overdue++
		case d > rest:
			n += within(d - rest)
		}
	}
	if len(p.took.ring) >= usualAfter {
		n += min(fresh, overdue*within(d-d/momentShare))
	}
	return min(n, most)
}

// drain is how long it is expected to take until n requests that wait have their
// instances, from those in use alone; 0 where nothing is known.
func (p *pace) drain(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	mean, _ := p.took.mean()
	inUse := len(p.flights) - len(p.vacant)
	if inUse == 0 {
		return 0
	}
	return mean * time.Duration(n) / time.Duration(inUse)
}
