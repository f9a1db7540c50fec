package initproto

import "golang.org/x/sys/unix"

// Limits are what a function may use of each resource (setrlimit(2)), soft and hard. The
// number of processes is the control group's.
func Limits() map[int]uint64 {
	return map[int]uint64{
		unix.RLIMIT_NOFILE:  1024,     // AWS Lambda quotas: 1,024 file descriptors
		unix.RLIMIT_MEMLOCK: 64 << 10, // bytes, as functions on AWS Lambda find it
		unix.RLIMIT_CORE:    0,
	}
}
