// Package sqlite keeps functions in one file, control.db: the default on one machine.
//
// Facts that it stands on (sqlite.org/wal.html, sqlite.org/pragma.html): in WAL mode
// readers never wait for the writer; synchronous=FULL syncs the log at every commit, so
// what was acknowledged survives a power cut; there is one writer at a time, so one
// connection writes and a pool reads. The driver is pure Go. What it shares with
// PostgreSQL is in package relational.
package sqlite
