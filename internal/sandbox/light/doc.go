// Package light is the driver of the tier light: namespaces, a cgroup, seccomp and
// a read-only root made of the host's own programs.
//
// Its floor, below which it is unavailable rather than weaker, is the list of
// protections in this package. The half that runs inside the box is the program
// lambent-init.
package light
