// Package postgres keeps the queue in PostgreSQL, in the database of the store, for several
// machines: the tables are those of the file, and takers pass over each other's rows (FOR
// UPDATE SKIP LOCKED) instead of waiting for them.
package postgres
