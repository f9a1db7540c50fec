// Package relational is what the queue's back ends share: statements that SQLite and
// PostgreSQL both understand, and the goroutine that commits calls in groups.
//
// It opens no database and knows no dialect but what it is handed. Bodies are a table of
// their own: a change of a lease then does not write a megabyte again.
package relational
