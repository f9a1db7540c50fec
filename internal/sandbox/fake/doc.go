// Package fake is a sandbox driver in memory: no process, socket or mount, so that
// package instance, pool and router can be tested inside testing/synctest bubbles.
//
// What goes wrong is data: a Script lists faults by operation and count. A command
// run with Stream is played by the script's Runtime, which speaks the framed codec
// of package runtimeapi over net.Pipe; any other command is played by
// Script.Program. The driver counts what lives, so that a test can assert that
// nothing was left.
//
// It isolates nothing and is not offered to users. It implements the frames by
// itself, so that a mistake in runtimeapi's codec cannot hide behind its own mirror.
package fake
