// Package router takes an invocation from any front, resolves which version of which
// function it means, asks for a permit to run it, and hands it to the pool.
//
// It holds the directory of functions in memory: names, versions, states, aliases. The
// configuration of a version is read when it is invoked and no instance of it is alive, and
// kept as long as one is, so that no warm request waits for a database. It knows no HTTP, no sandbox and no driver; authorisation is the fronts'.
//
//	Invoke ─▶ resolve: function, qualifier, state ─▶ permit ─▶ pool
//
// # Updates
//
// Put and Remove change the directory first and tell the pool second. An invocation
// that is resolved after Put has returned runs the new state; one that was resolved
// before runs the old one to its end. While an update of $LATEST is in progress, and after
// one that failed, $LATEST is its last good state (lambda.Function.Serving).
package router
