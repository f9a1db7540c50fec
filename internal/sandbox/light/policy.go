package light

import (
	bpf "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// family is a group of system calls that functions may use, and why. Names that this
// machine's architecture lacks are left out.
type family struct {
	reason string
	names  []string
}

// policy is everything that a function may ask of the kernel. What is not here
// answers EPERM: mounts, namespaces, tracing and reading other processes, bpf, perf,
// keys, io_uring, userfaultfd, modules, clocks, the host's name, swap, accounting,
// raw I/O, handles instead of paths, other kernels' personalities.
var policy = []family{
	{"files by descriptor", []string{
		"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2",
		"lseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "flock", "ftruncate", "fallocate", "fadvise64",
		"readahead", "fsync", "fdatasync", "sync_file_range", "syncfs", "fstat", "newfstatat", "fstatfs", "getdents", "getdents64",
		"sendfile", "splice", "tee", "vmsplice", "copy_file_range", "ioctl", "fchmod", "fchown", "fchdir", "cachestat",
	}},
	{"files by path: the mount namespace says which", []string{
		"open", "openat", "openat2", "creat", "stat", "lstat", "statx", "statfs", "access", "faccessat", "faccessat2",
		"truncate", "mkdir", "mkdirat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat",
		"symlink", "symlinkat", "readlink", "readlinkat", "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat",
		"utime", "utimes", "utimensat", "futimesat", "umask", "chdir", "getcwd", "mknod", "mknodat",
	}},
	{"extended attributes", []string{
		"getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
		"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
	}},
	{"watching files", []string{"inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch"}},
	{"memory of its own", []string{
		"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore", "mlock", "mlock2", "munlock", "mlockall",
		"munlockall", "memfd_create", "membarrier", "pkey_alloc", "pkey_free", "pkey_mprotect", "get_mempolicy", "mseal",
		"map_shadow_stack",
	}},
	{"programs and threads; clone without namespaces is below", []string{
		"execve", "execveat", "fork", "vfork", "exit", "exit_group", "wait4", "waitid", "set_tid_address", "arch_prctl",
		"set_robust_list", "get_robust_list", "rseq", "futex", "futex_wait", "futex_wake", "futex_requeue", "futex_waitv",
		"gettid", "getpid", "getppid", "getpgid", "setpgid", "getpgrp", "getsid", "setsid", "pidfd_open", "pidfd_send_signal",
		"restart_syscall", "uname", "sysinfo", "getcpu", "getrandom", "prctl",
	}},
	{"signals: the pid namespace says whom", []string{
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigqueueinfo",
		"rt_tgsigqueueinfo", "sigaltstack", "kill", "tkill", "tgkill", "pause", "alarm", "signalfd", "signalfd4",
	}},
	{"time, reading only", []string{
		"time", "gettimeofday", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "times", "getitimer", "setitimer",
		"timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
		"timerfd_create", "timerfd_settime", "timerfd_gettime",
	}},
	{"waiting for what is open, for events and for reads and writes under way", []string{
		"poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
		"epoll_pwait2", "eventfd", "eventfd2", "io_setup", "io_submit", "io_getevents", "io_pgetevents", "io_cancel", "io_destroy",
	}},
	{"pipes and sockets; which families is below", []string{
		"pipe", "pipe2", "bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname", "getpeername",
		"setsockopt", "getsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
	}},
	{"IPC: the namespace is its own", []string{
		"shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl",
		"mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr",
	}},
	{"scheduling of its own: weights are the cgroup's", []string{
		"sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_setparam", "sched_getscheduler",
		"sched_setscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "sched_getattr",
		"sched_setattr", "getpriority", "setpriority", "ioprio_get", "ioprio_set",
	}},
	{"limits and identity: no right to gain", []string{
		"getrlimit", "setrlimit", "prlimit64", "getrusage", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
		"getgroups", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups",
		"capget", "capset",
	}},
	{"giving up more rights", []string{
		"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
	}},
}

// attaching is what Bind needs besides: the init is under a filter before, and under a second
// one, which takes this away, after.
var attaching = family{"attaching a function's mounts", []string{"move_mount"}}

// entering is what a zygote needs besides, to put its children into boxes; they lose it there.
var entering = family{"entering the namespaces of a box", []string{"setns"}}

// newNamespaces are the flags of clone(2) that ask for a namespace: a user
// namespace of its own is what most attacks on the kernel begin with.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME

// conditional calls depend on a plain argument. Arguments behind a pointer cannot be
// looked at, which is why clone3 does not exist here: libraries fall back to clone.
var conditional = []bpf.NameWithConditions{
	{Name: "clone", Conditions: []bpf.Condition{{Argument: 0, Operation: bpf.BitsNotSet, Value: newNamespaces}}},
	socketOf(unix.AF_UNIX), socketOf(unix.AF_INET), socketOf(unix.AF_INET6),
	{Name: "socket", Conditions: []bpf.Condition{ // net.Interfaces, getaddrinfo
		{Argument: 0, Operation: bpf.Equal, Value: unix.AF_NETLINK},
		{Argument: 2, Operation: bpf.Equal, Value: unix.NETLINK_ROUTE},
	}},
	{Name: "socketpair", Conditions: []bpf.Condition{{Argument: 0, Operation: bpf.Equal, Value: unix.AF_UNIX}}},
	// personality(2): plain Linux, without address randomisation as debuggers and
	// some runtimes ask, or a question.
	personality(0), personality(addrNoRandomize), personality(askPersonality),
}

// From sys/personality.h.
const (
	addrNoRandomize = 0x0040000
	askPersonality  = 0xffffffff
)

// absent calls answer ENOSYS, as on a kernel without them, so that libraries fall back.
var absent = []string{"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"}

func socketOf(family uint64) bpf.NameWithConditions {
	return bpf.NameWithConditions{Name: "socket", Conditions: []bpf.Condition{
		{Argument: 0, Operation: bpf.Equal, Value: family},
	}}
}

func personality(value uint64) bpf.NameWithConditions {
	return bpf.NameWithConditions{Name: "personality", Conditions: []bpf.Condition{
		{Argument: 0, Operation: bpf.Equal, Value: value},
	}}
}
