// Package cli is the command line: it reads arguments, calls the daemon or a running
// server, and prints for people or machines.
//
// Results go to standard output, everything else to standard error with a "lambent:"
// prefix. Exit codes: 0 done, 1 failed, 2 usage.
package cli
