// Command lambent-agent is PID 1 inside gVisor: it starts and reaps the commands of a box,
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

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

func main() {
	// Limits are the process's, but credentials are a thread's: all commands are forked from
	// this one.
	runtime.LockOSThread()
	if err := serve(agentproto.ControlFD); err != nil {
		fmt.Fprintln(os.Stderr, "lambent-agent:", err)
		os.Exit(1)
	}
}
