package handover

import "golang.org/x/sys/unix"

// peerUser returns who is at the other end of a socket (LOCAL_PEERCRED in <sys/un.h>).
func peerUser(fd int) (uint32, error) {
	peer, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return peer.Uid, nil
}
