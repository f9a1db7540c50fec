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
	printReceipts(os.Stdout, rows, isTerminal(os.Stdout))
	return nil
}

// isTerminal says whether a person who has not declined colours reads f at once: see no-color.org.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func say(format string, args ...any) { fmt.Printf("• "+format+"\n", args...) }

// note tells what came of what was said.
func note(format string, args ...any) { fmt.Printf("  → "+format+"\n", args...) }
