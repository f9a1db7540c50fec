// Package calls says which system calls functions may make, and why, and makes the seccomp program
// of it: for drivers whose functions ask Linux itself, the host's (light) or a guest's (microvm).
//
// It installs nothing: that is package kernel/seccomp's.
package calls
