package receipt

import "time"

// Neighbour is a function that ran on the host while an invocation did.
type Neighbour struct {
	Function string        // its name
	CPU      time.Duration // that it used meanwhile, in all its instances; an estimate where only a part of a run falls into that time
}

// HandlerBegan is when the event was handed over.
func (r *Receipt) HandlerBegan() time.Time {
	before := r.Spent[Queue] + r.Spent[Sandbox] + r.Spent[Runtime] + r.Spent[Init]
	return r.Arrived.Add(before)
}

// HandlerEnded is when the answer's first byte came.
func (r *Receipt) HandlerEnded() time.Time { return r.HandlerBegan().Add(r.Spent[Handler]) }
