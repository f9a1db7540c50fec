// Command lambent-init is PID 1 of a light sandbox: it finishes the box, starts and
// reaps its commands, and holds as few rights as that needs. Package initproto is
// what it speaks. It is built without cgo, on the standard library and x/sys only.
package main

import (
	"fmt"
	"os"
	"runtime"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

func main() {
	// Landlock and the bounding set belong to a thread. All commands are forked from
	// this one, so it is never left.
	runtime.LockOSThread()
	run := func() error { return serve(initproto.ControlFD) }
	switch {
	case len(os.Args) >= 3 && os.Args[1] == initproto.Give:
		run = func() error { return giveUp(os.Args[2], os.Args[3:]) }
	case len(os.Args) == 2 && os.Args[1] == initproto.SpawnWord:
		run = func() error { return spawn(initproto.ControlFD) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "lambent-init:", err)
		os.Exit(1)
	}
}
