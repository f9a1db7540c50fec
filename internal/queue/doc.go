// Package queue keeps work that must outlive the process: what was put in is there after
// kill -9 and after a power cut, and is handed out until it is done, at least once.
//
// It holds the interface and its errors; a folder per back end implements it over the
// statements of package relational, and queuetest is the one suite that every back end
// passes. It knows neither functions nor how they are run (package event does), keeps no
// results, and says nothing about when to try again: that is the taker's, who returns an
// item with a due time.
//
// # Leases
//
// An item is free, leased or gone. Take leases free items whose time has come; Done ends
// one, Return frees it again. A lease belongs to an epoch, the number of one life of a
// daemon (store.Store.NextEpoch), and has no timeout: it ends with its owner, when Recover
// frees what epochs left behind that are not alive. Done and Return of a lease that was
// lost that way are ErrLost and change nothing.
//
// # Fairness
//
// Take goes round the functions that have free items: each gets a part of what is taken,
// whatever the others have waiting, and the next call goes on where this one ended. Items
// of one function are taken in the order of their due times, then of their arrival.
//
// # Group commit
//
// One goroutine writes. What is called while it commits is committed together next: one
// sync of the disk for all. There is no timer: a call waits for at most the commit that is
// under way, then for its own.
package queue
