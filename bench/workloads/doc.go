// Package workloads holds the functions that the benchmark runs, in Python and Node, with
// the standard library only: a greeting, and the field's usual ones (a page of HTML,
// compression, a thumbnail, graph search, AES). Each answers {"born", "result"}: born is
// when its module was imported, in microseconds of the real-time clock.
//
// It runs none of them.
package workloads
