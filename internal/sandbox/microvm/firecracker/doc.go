// Package firecracker speaks to Firecracker: the requests of its HTTP API on a Unix socket, its
// vsock sockets, the jail that its jailer makes, and the release that is installed.
//
// What it says is held against Firecracker's published description of its API by a test
// (contract_test.go). Paths in requests are those that the jailed program sees.
//
// # Order
//
// Client.Boot configures a machine and starts it; Client.Restore loads a snapshot into a program
// that nothing was asked of before. Drives change, pausing and resuming come after one of them; a
// snapshot is taken of a machine that is paused. Firecracker itself holds that order, and says so.
//
// # Trust
//
// A guest that broke out of its machine is the program that answers here, and owns the jail's
// folder. So answers are bounded, sockets in the folder are opened as sockets that lie there and
// nothing that a link leads to, and no file in it is opened by name.
//
// It decides nothing about guests and starts no process: that is package microvm's.
package firecracker
