// Package egresstest builds a small world of network namespaces for tests of what sandboxes
// reach: a host, an internet with name and metadata services, and the host's neighbour.
//
// The test itself runs on that host, in a process of its own, so that a machine's real network
// is never touched. It tests nothing itself.
package egresstest
