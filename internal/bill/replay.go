package bill

import (
	"container/heap"
	"slices"
	"time"
)

// replay plays the arrivals of one function, in their order, to instances that live for a
// keep-alive after their last request. A request takes the instance that was idle last; when
// none is idle one starts. Starts themselves take no time here: what they cost depends on
// the tier and changes their number hardly.
type replay struct {
	keepAlive int64 // µs
	ready     int   // instances that provisioned concurrency keeps on Lambda

	starts   int64
	most     int   // instances at once
	held     int64 // µs that instances lived, idle or not
	served   int64 // µs that ready instances worked: at most ready of those that did at once
	now      int64
	running  ends    // when instances that work will be done
	idle     []int64 // since when others are idle, the latest last
	replayed int64
}

// ends is a heap of times.
type ends []int64

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i] < e[j] }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(x any)        { *e = append(*e, x.(int64)) }
func (e *ends) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

func (r *replay) arrive(a arrival) {
	r.replayed++
	r.pass(a.at)
	if n := len(r.idle); n > 0 {
		r.held += a.at - r.idle[n-1]
		r.idle = r.idle[:n-1]
	} else {
		r.starts++
	}
	r.held += a.busy
	heap.Push(&r.running, a.at+a.busy)
	r.most = max(r.most, len(r.running)+len(r.idle))
}

// pass lets time go on: work ends, and who was idle for too long goes.
func (r *replay) pass(to int64) {
	for len(r.running) > 0 && r.running[0] <= to {
		end := heap.Pop(&r.running).(int64)
		r.serve(end, len(r.running)+1)
		r.idle = append(r.idle, end)
	}
	r.serve(to, len(r.running))
	expired, _ := slices.BinarySearch(r.idle, to-r.keepAlive)
	r.held += int64(expired) * r.keepAlive
	r.idle = slices.Delete(r.idle, 0, expired)
}

// serve counts the work of ready instances up to a time, while so many ran.
func (r *replay) serve(to int64, running int) {
	if r.now > 0 {
		r.served += max(0, to-r.now) * int64(min(running, r.ready))
	}
	r.now = max(r.now, to)
}

// end lets the last work end and the last instances go.
func (r *replay) end() {
	if len(r.running) > 0 {
		r.pass(slices.Max(r.running))
	}
	r.held += int64(len(r.idle)) * r.keepAlive
	r.idle = nil
}

func seconds(us int64) float64 { return time.Duration(us * int64(time.Microsecond)).Seconds() }
