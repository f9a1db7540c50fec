// Package postgres keeps functions in PostgreSQL: for several machines that share one
// store.
//
// Statements and transactions are package relational's; a function that is being
// updated is locked by its row (SELECT … FOR UPDATE), so updates of different functions
// do not wait for each other. It needs PostgreSQL 12 or newer and the right to
// create tables.
package postgres
