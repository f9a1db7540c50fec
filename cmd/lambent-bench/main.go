// Command lambent-bench is the Go side of what `lambent bench` measures: a function on AWS's
// official client, and what it is compared with.
//
//	lambent-bench                     as a function's bootstrap: AWS_LAMBDA_RUNTIME_API says where work is
//	lambent-bench echo ADDR           a plain net/http server that sends back what it gets
//	lambent-bench hello ADDR          a plain net/http server with the function's handler
//	lambent-bench prototype ADDR CMD… the least that serves the Runtime API to an official client: two
//	                                  HTTP exchanges per request, nothing else; no CMD = this program
//	lambent-bench relay ADDR N CMD…   the least that runs a handler in N processes of its own: one write
//	                                  and one read of a pipe per request, nothing else
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lambent-bench:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: lambent-bench echo|hello ADDR, prototype ADDR [CMD…], relay ADDR N CMD…, or as a bootstrap with AWS_LAMBDA_RUNTIME_API set")

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0 && os.Getenv("AWS_LAMBDA_RUNTIME_API") != "":
		serveFunction()
		return nil
	case len(args) > 3 && args[0] == "relay":
		return runRelay(ctx, args[1], args[2], args[3:])
	case len(args) > 1 && args[0] == "prototype":
		return prototype(ctx, args[1], args[2:])
	case len(args) != 2:
		return errUsage
	}
	switch args[0] {
	case "echo":
		return serve(ctx, args[1], echo())
	case "hello":
		return serve(ctx, args[1], greet())
	default:
		return errUsage
	}
}

func runRelay(ctx context.Context, addr, number string, command []string) error {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 64 {
		return fmt.Errorf("%q is no number of processes: %w", number, errUsage)
	}
	return relay(ctx, addr, n, command)
}
