// Package slowest keeps the receipts of each function's slowest invocations of the last
// hour or so, a few per function, in memory, with the neighbours that they had.
//
// It is asked by people; it stores nothing and explains nothing (package why does).
package slowest
