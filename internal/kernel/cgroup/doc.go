// Package cgroup puts sandboxes into control groups, with one interface over the
// three layouts that hosts have: cgroup v1, v2, and hybrid, where v2 is mounted
// beside v1 and each controller is on one of them.
//
// A group is the folder lambent/<owner>/<id> in every hierarchy that is needed.
// The owner is one run of the daemon, so that the next run can see whose groups
// were left behind and Reap them.
//
// # Born inside, never moved
//
// Moving a process by its pid takes the kernel's global thread group lock for
// writing, which after some quiet costs an RCU grace period: about 10 ms. A
// process that is born in its group costs nothing of that. So the order is:
//
//	doors, err := group.ThreadDoors() // v1: this thread writes "0" to each
//	fd, ok := group.CloneFD()         // v2: SysProcAttr.UseCgroupFD, CgroupFD
//	... start the process ...
//	home, err := host.Home()          // and goes back the same way
//
// On a hybrid host both may matter; a caller that does both is right everywhere.
// The doors are files "tasks" and not "cgroup.procs": a thread that moves itself needs
// no global lock (kernel/cgroup/cgroup.c, cgroup_procs_write_start).
//
// This is why no library is used: github.com/opencontainers/cgroups knows only how
// to move a running process by its pid (Apply).
//
// # What it is not
//
// It is no general cgroup library: it knows the controllers memory, pids, cpu,
// cpuacct, freezer and v2's io, and what a sandbox needs of them. It mounts nothing.
//
// Facts are from the kernel's Documentation/admin-guide/cgroup-v2.rst and
// Documentation/admin-guide/cgroup-v1/.
package cgroup
