package pool

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Settings are the policy of a pool. DefaultSettings are the ones to start from.
type Settings struct {
	// KeepAlive is how long an instance stays idle before it is closed. 0 closes it
	// after every invocation.
	KeepAlive time.Duration
	// FreezeAfter is how long an instance is idle before its processes are stopped
	// until the next request. 0 stops them at once, as AWS Lambda does; below 0 never.
	FreezeAfter time.Duration
	// ReclaimAfter is how long a frozen instance is idle before its memory is pushed out to
	// the host's swap, where it has any. Below 0 never.
	ReclaimAfter time.Duration
	// QueueLimit is how many requests may wait for instances of one Key, those for
	// which an instance is being started included. At least 1.
	QueueLimit int
	// QueueTimeout is how long a request waits before it is throttled while no start is
	// under way for it. Above 0.
	QueueTimeout time.Duration
	// StartTimeout bounds the start of one instance. Above 0.
	StartTimeout time.Duration
	// CalmAfter is how long no instance must have been starting before one that leaves is
	// closed, unless its memory is wanted: the processes, namespaces and groups of one take as
	// much of the CPUs to end as to make. 0 closes it at once.
	CalmAfter time.Duration
	// MemoryBudget is how much memory all instances together may be given, in MiB, by
	// the memory sizes of their functions. 0 = no limit.
	MemoryBudget int
	// Log takes what no request can be told. nil = nowhere.
	Log *slog.Logger
}

// DefaultSettings returns the defaults. There is no memory budget: whoever knows the
// host sets it.
func DefaultSettings() Settings {
	return Settings{
		KeepAlive:    10 * time.Minute,
		FreezeAfter:  time.Second, // between the requests of a burst nothing is stopped
		ReclaimAfter: time.Minute, // who comes back sooner would wait for it too often
		QueueLimit:   1000,        // AWS's concurrency limit of an account
		QueueTimeout: 10 * time.Second,
		StartTimeout: time.Minute,
		CalmAfter:    5 * time.Millisecond, // a client's next request has come by then
	}
}

// Validate says what is wrong with the settings.
func (s Settings) Validate() error {
	var wrong []error
	reject := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	reject(s.KeepAlive < 0, "keep-alive is %v: use 0 or more", s.KeepAlive)
	reject(s.QueueLimit < 1, "queue limit is %d: use 1 or more", s.QueueLimit)
	reject(s.QueueTimeout <= 0, "queue timeout is %v: use more than 0", s.QueueTimeout)
	reject(s.StartTimeout <= 0, "start timeout is %v: use more than 0", s.StartTimeout)
	reject(s.CalmAfter < 0, "calm after is %v: use 0 or more", s.CalmAfter)
	reject(s.MemoryBudget < 0, "memory budget is %d MiB: use 0 for no limit, or more", s.MemoryBudget)
	return errors.Join(wrong...)
}
