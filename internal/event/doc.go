// Package event runs what callers do not wait for: it writes an event into the queue before
// the caller hears that it was accepted, and later hands it to the router, at least once.
//
//	lambdaapi ─▶ Accept ─▶ queue (on disk) ─▶ 202
//	             queue ─▶ Run ─▶ router, as any other invocation ─▶ done, returned or dropped
//
// It resolves nothing itself: an event names a function and a qualifier, and runs what
// these mean when its turn comes, so events that were accepted before an update run the
// code after it, as on Lambda.
//
// # What becomes of an event
//
// A function that answered, with a result or with an error, ends it. A throttle, a function
// that is not ready and a fault of Lambent return it to the queue with a growing delay, 1 s
// to 5 min. An event that is too old, or whose function is gone, is dropped, and the log
// says so. The death of the process returns it: it runs again.
//
// # The latency class
//
// Events share the line with callers who wait. What protects those is a bound: never more
// than Settings.Concurrency events run at once, which leaves the rest of the account's
// concurrency and of the host's memory to others. Of that no function gets more than
// Settings.PerFunction, so a slow one does not stop the others' events.
//
// A function whose events come back gets fewer events at once, down to one that tries again
// every second: its backlog does not burn permits that callers need. The delay of an event
// grows only while none of its function's gets through.
//
// Not here: retries after a function's error, destinations, settings per function.
package event
