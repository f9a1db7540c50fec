// Package process is the driver of the tier process: child processes with a session
// and resource limits of their own, and no isolation. It is for development on
// machines that can do no better, and refuses to work unless it is allowed.
//
// # What it emulates
//
// Every box has a folder on the host. A folder cannot be shown at another path
// without privileges, so names are rewritten instead: a command's Path, Dir, Args and
// the values of Env, and each element of a value that is a list with colons, that are
// a Mount's Target or lie below it name the Mount's Source instead; /tmp becomes
// the box's own folder, which TMPDIR names too. A path that a program has compiled in
// or puts together by itself is not rewritten: it means the host's.
//
// A listener takes a free port of the host's loopback; Dial reaches the host's
// addresses. Mounts are not made read-only: who may write a folder outside may inside.
//
// # What is limited
//
// Each process by itself, not all together: its private writable memory to
// Workload.Memory and an allowance for what allocators reserve without using it,
// the size of a file that it writes to Base.Tmp, open files to 1024, no
// core dumps. Pids, CPUWeight and CPUQuota have no effect: the kernel's limit of processes counts
// all of a user's (setrlimit(2), RLIMIT_NPROC), also those outside the box.
//
// # What Reset and Close find
//
// Everything whose environment still carries the box's marker, which every
// descendant inherits, whatever its parent or session; and the sessions that Run made.
// A process that detaches itself with an emptied environment escapes.
package process
