package host

import "golang.org/x/sys/unix"

// descriptorLimit is the hard limit: Go's runtime raises the soft one to it.
func descriptorLimit() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Max, err
}
