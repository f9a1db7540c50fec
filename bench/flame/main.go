package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "flame:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("flame", flag.ContinueOnError)
	title := flags.String("title", "", "`TEXT` above the picture")
	skip := flags.String("skip", "^$", "leave out stacks that match `EXPRESSION`: process;function;function")
	if err := flags.Parse(args); err != nil {
		return err
	}
	unwanted, err := regexp.Compile(*skip)
	if err != nil {
		return err
	}
	all := newFrame("all", user)
	if err := read(in, func(s stack) {
		if !unwanted.MatchString(s.String()) {
			all.add(s)
		}
	}); err != nil {
		return err
	}
	if all.samples == 0 {
		return fmt.Errorf("no samples came")
	}
	buffered := bufio.NewWriter(out)
	draw(buffered, *title, all)
	return buffered.Flush()
}
