package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/store"
)

// Errors that callers tell apart. Faults of the database wrap those of package store.
var (
	ErrLost     = errors.New("lease is lost")
	ErrTooLarge = errors.New("item is too large")
	ErrClosed   = store.ErrClosed
)

// MaxBody is the largest body of an item, in bytes: the 1 MiB of an asynchronous event
// ("Lambda quotas") and what its taker keeps beside it.
const MaxBody = 1<<20 + 64<<10

// MaxEpoch is the largest epoch that a queue can be opened for: an item's ID is its epoch
// and a count.
const MaxEpoch = 1<<23 - 1

// Item is work that waits.
type Item struct {
	Group    string    // who takes it: each kind of taker has its own
	Function string    // whose it is, for fairness: an ARN without qualifier
	Due      time.Time // not before; to the microsecond
	Body     []byte    // at most MaxBody bytes
}

// Lease is an item that was taken and is neither done nor returned.
type Lease struct {
	ID    int64
	Owner int64 // epoch of the taker
	// Attempts counts how often the item was taken, this time included: also by those that
	// died or returned it.
	Attempts int
	Item
}

// Request says what to take.
type Request struct {
	Group string
	Now   time.Time // items due later stay
	Limit int       // of items, over all functions
	// Room says how many more items of a function the taker can hold. Nil is no limit. It
	// may be called several times, must be quick and must not call the queue.
	Room func(function string) int
}

// Taken is what a Take found.
type Taken struct {
	Leases []Lease
	// Next is when the next free item of a function that had none due becomes due; zero if
	// there is none.
	Next time.Time
}

// Stats are the counts of one moment.
type Stats struct {
	Free   int       // also those not due yet
	Leased int       // by any epoch
	Oldest time.Time // when the earliest free item was or will be due; zero without one
}

// Queue keeps items. It is safe for concurrent use. Done and Return that came back without
// an error have been made durable, as Put has.
//
// ctx bounds the wait for the queue's turn. A call that has begun is finished, whatever
// becomes of ctx.
type Queue interface {
	// Put adds an item. When it has returned nil the item survives the death of the process
	// and of the host. ErrTooLarge for a body of more than MaxBody.
	Put(ctx context.Context, item Item) error

	// Take leases free items for the epoch that the queue was opened for. None is not an
	// error.
	Take(ctx context.Context, r Request) (Taken, error)

	// Done ends a lease and its item. ErrLost if it was another's meanwhile.
	Done(ctx context.Context, l Lease) error

	// Return frees an item, to be taken when it is due. ErrLost as Done.
	Return(ctx context.Context, l Lease, due time.Time) error

	// Recover frees the leases of every epoch but those alive and the queue's own, and
	// returns how many there were.
	Recover(ctx context.Context, alive ...int64) (int, error)

	// Stats counts the items of a group.
	Stats(ctx context.Context, group string) (Stats, error)

	// Close finishes what was begun and frees the queue. Leases stay: Recover of the next
	// epoch frees them. A second Close is nil.
	Close() error
}

// Check says what is wrong with an item. Back ends call it in Put.
func Check(item Item) error {
	if len(item.Body) > MaxBody {
		return fmt.Errorf("%w: %d bytes, more than %d", ErrTooLarge, len(item.Body), MaxBody)
	}
	return nil
}
