// Package relational is what the SQL back ends of package store have in common: the
// statements, the transactions and the assembling of functions from rows.
//
// It is written once so that the dialects cannot drift apart; what differs is a
// Dialect. It opens no database and knows no driver.
package relational
