// Package instance is one execution environment: it owns a sandbox, runs the
// function's runtime in it, speaks to the runtime, and holds the lifecycle that AWS
// Lambda has (Developer Guide, "Understanding the Lambda execution environment
// lifecycle"): init and its limit, the function's timeout, crashes, reset, and the
// log with its START, END and REPORT lines.
//
// It is the only user of package sandbox. It does not choose when an instance is
// started, reused or dropped: that is package pool's.
//
// # Life
//
//	Start ─▶ initialised ─Invoke─▶ busy ─▶ idle ⇄ frozen
//	   │                            │
//	   └─▶ init failed or timed out │ timeout or crash
//	            │                   ▼
//	            └────────────────▶ reset: the next Invoke starts the runtime afresh,
//	                               inside its own time; /tmp is as it was
//
// One that was only prepared is initialised by its first Invoke, with the event at hand (see
// open.go).
//
// An instance ends by Close or when its sandbox dies: Done is closed, Err says why.
//
// # Answers
//
// A function's error is an answer: it goes to the Sink and Invoke returns nil. An
// error of Invoke means that the Sink was not finished: one that wraps ErrGone was
// not delivered to the function and may be given to another instance; any other
// must not be, because the function may have run.
package instance
