package handover

import "golang.org/x/sys/unix"

// peerUser returns who is at the other end of a socket (unix(7), SO_PEERCRED).
func peerUser(fd int) (uint32, error) {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return peer.Uid, nil
}
