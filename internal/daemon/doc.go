// Package daemon is the server: it opens what lasts, puts the parts of the line together,
// listens, and ends in order.
//
// It decides nothing about functions, instances or isolation: it only wires the packages
// that do. It is the one place that knows all of them.
package daemon
