package netns_test

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"lambent.dev/lambent/internal/kernel/netns"
)

func newNamespace(t *testing.T) *os.File {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	ns, err := netns.New(netip.MustParsePrefix("169.254.100.1/32"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ns.Close() })
	return ns
}

func TestNewHasLoopbackAndNothingElse(t *testing.T) {
	ns := newNamespace(t)
	var found []net.Interface
	var addresses []net.Addr
	err := netns.Do(ns, func() (err error) {
		if found, err = net.Interfaces(); err != nil {
			return err
		}
		addresses, err = net.InterfaceAddrs()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].Name != "lo" || found[0].Flags&net.FlagUp == 0 {
		t.Errorf("interfaces: %v", found)
	}
	has := func(want string) bool {
		for _, a := range addresses {
			if a.String() == want {
				return true
			}
		}
		return false
	}
	if !has("127.0.0.1/8") || !has("169.254.100.1/32") {
		t.Errorf("addresses: %v", addresses)
	}
}

func TestSocketsBelongToTheirNamespace(t *testing.T) {
	ns := newNamespace(t)
	inside := listenTwice(t, ns)
	err := netns.Do(ns, func() error {
		c, err := net.Dial("tcp", inside.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	if err != nil {
		t.Errorf("dialling inside: %v", err)
	}
}

func TestThreadsComeHome(t *testing.T) {
	ns := newNamespace(t)
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := netns.Do(ns, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		at, err := os.Readlink("/proc/self/task/" + thread.Name() + "/ns/net")
		if err == nil && at != home {
			t.Errorf("thread %s stayed in %s", thread.Name(), at)
		}
	}
}

// listenTwice listens inside, and on the host at the same address, which is free there: the
// host is not asked who answers, because others may have taken a port of their own.
func listenTwice(t *testing.T, ns *os.File) (inside net.Listener) {
	t.Helper()
	var err error
	for range 20 {
		err = netns.Do(ns, func() (err error) {
			inside, err = net.Listen("tcp", "127.0.0.1:0")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = inside.Close() })
		var outside net.Listener
		if outside, err = net.Listen("tcp", inside.Addr().String()); err == nil {
			_ = outside.Close()
			return inside
		}
	}
	t.Fatalf("a listener inside takes the host's ports: %v", err)
	return nil
}
