package handover

import (
	"fmt"
	"net"
	"os"
)

// sameUser refuses a process of another user, also root: what it took over would not be
// this user's any more.
func sameUser(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var uid uint32
	var failed error
	if err := raw.Control(func(fd uintptr) { uid, failed = peerUser(int(fd)) }); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("asking for the user behind the connection: %w", failed)
	}
	if own := os.Geteuid(); int(uid) != own {
		return fmt.Errorf("it runs as user %d, this server as user %d: start the new one as that user", uid, own)
	}
	return nil
}
