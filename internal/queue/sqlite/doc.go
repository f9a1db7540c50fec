// Package sqlite keeps the queue in one file, queue.db: the default on one machine.
//
// It is a file of its own, so that events never wait for the store's transactions, nor
// these for them. The pragmas are those of the store: WAL, synced at every commit.
package sqlite
