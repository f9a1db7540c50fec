// Package reaper is the part of PID 1 that every box needs: it knows the commands that were
// started, reaps them and all orphans, and can end everything in the pid namespace
// (pid_namespaces(7), wait(2)).
//
// It is built on the standard library and x/sys only. How a command is started is the
// caller's. A process has one Reaper: it waits for all children.
package reaper
