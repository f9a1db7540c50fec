// Package control is what the command line asks of a running server beside Lambda's API:
// the stored log lines of a function, read once or followed, the receipts of its
// invocations as they end, and those of the slowest. It is HTTP over a Unix socket in the data folder, which only the
// folder's owner can open.
//
// It is not for other programs: they have Lambda's API. Everything that API can do is not
// repeated here.
package control
