// Command demo shows Lambent at work: it starts a server with a folder of its own,
// deploys four examples through the AWS SDK, invokes each cold and warm, prints the
// receipts, and leaves nothing running.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	lambent := flag.String("lambent", "lambent", "path of the lambent program")
	examples := flag.String("examples", "..", "folder of the examples")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *lambent, *examples); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, lambent, examples string) (err error) {
	say("starting Lambent")
	s, err := startServer(ctx, lambent)
	if err != nil {
		return err
	}
	defer func() { err = s.stop(err) }()
	shows := []func(context.Context, *server, string) ([]row, error){thumbnail, checkout, digest, matchmaker}
	var rows []row
	for _, show := range shows {
		more, err := show(ctx, s, examples)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	fmt.Println()
	printReceipts(rows)
	return nil
}

func say(format string, args ...any) { fmt.Printf("• "+format+"\n", args...) }
