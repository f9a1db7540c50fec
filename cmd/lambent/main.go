// Command lambent runs functions: see package cli.
package main

import (
	"os"

	"lambent.dev/lambent/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
