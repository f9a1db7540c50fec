// Package runsc knows which runsc Lambent runs, where it lies and how it is built: from the
// Go module gvisor.dev/gvisor at one pinned version, with the machine's Go.
//
// Releases of gVisor are not taken: the driver is tested against this one. How runsc is run is
// package gvisor's.
package runsc
