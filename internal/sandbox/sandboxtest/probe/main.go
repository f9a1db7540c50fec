package main

import (
	"fmt"
	"os"
	"runtime"
)

// command is one subcommand.
type command func(args []string) error

func main() {
	// Namespaces, credentials and the like belong to a thread.
	runtime.LockOSThread()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want a subcommand")
	}
	if c, ok := behaviours()[args[0]]; ok {
		return c(args[1:])
	}
	if a, ok := attacks()[args[0]]; ok {
		return report(a(args[1:]))
	}
	return fmt.Errorf("unknown subcommand %q", args[0])
}
