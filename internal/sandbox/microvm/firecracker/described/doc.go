// Package described is Firecracker's API as its published description has it, for tests: a server
// that holds each request against it, in the order that Firecracker demands. It runs no machine.
//
// README.md says where the description comes from.
package described
