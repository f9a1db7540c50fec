// Package seccomp installs a filter that somebody else assembled, see seccomp(2).
// It holds no policy.
//
// It uses the standard library and x/sys only: lambent-init is built on it.
package seccomp
