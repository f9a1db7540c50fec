// Package hostcheck holds what the drivers' Probes ask of a host alike: root, programs, cloned
// mounts, control groups, volumes for /tmp, and a sandbox made on trial.
//
// It is not the whole of what a tier needs: what one driver alone asks stands in its probe.go,
// and what speed depends on in package host.
package hostcheck
