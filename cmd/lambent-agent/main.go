// Command lambent-agent is PID 1 inside gVisor, or in a guest of the tier microvm: it starts and reaps the commands of a box,
// fetches from the host what they need, and forwards TCP connections. Package agentproto is
// what it speaks. It is built without cgo, on the standard library and x/sys only.
//
// It is a program of its own beside lambent-init, which starts for every light sandbox and
// must stay small: this one brings package net.
package main

import (
	"fmt"
	"os"
	"runtime"

	"lambent.dev/lambent/internal/kernel/reaper"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

func main() {
	// Limits are the process's, but credentials are a thread's: all commands are forked from
	// this one.
	runtime.LockOSThread()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "lambent-agent:", err)
		os.Exit(1)
	}
}

// run serves in the world that it finds itself in.
func run() error {
	if os.Args[0] != agentproto.GuestPath {
		return serve(newGVisor(agentproto.ControlFD), reaper.New)
	}
	g, err := bootGuest()
	if err != nil {
		return err
	}
	return serve(g, reaper.NewOfMachine)
}
