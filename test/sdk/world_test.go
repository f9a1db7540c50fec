package sdk

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Addresses of the world that a test with a network of its own has, those that RFC 5737 keeps for documents.
const (
	internet = "198.51.100.7" // a server that greets whoever connects
	uplink   = "198.51.100.1" // the host's address there
	greeting = "well met"
)

// insideWorld is set in a process with a network of its own, to the folder with lambent.
const insideWorld = "TEST_WORLD"

// inWorld runs the calling test again in a process with a network of its own, where packets are
// forwarded to an internet of one server. It reports whether this is that process: the other has
// nothing more to do.
func inWorld(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideWorld) != "" {
		makeWorld(t)
		return true
	}
	c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=0")
	c.Env = append(os.Environ(), insideWorld+"="+binaries)
	c.Stdout, c.Stderr = t.Output(), t.Output()
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil {
		t.Errorf("in a network of its own: %v", err)
	}
	return false
}

func makeWorld(t *testing.T) {
	t.Helper()
	serving := make(chan error)
	go serveInternet(serving) // ends with the process
	if err := <-serving; err != nil {
		t.Fatal(err)
	}
	if err := setUp("lo", "wan", uplink, internet); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
}

// serveInternet gives its thread a network of its own, linked to the process's, and greets there.
func serveInternet(serving chan<- error) {
	runtime.LockOSThread() // never unlocked: no other goroutine may get this thread
	if unix.Gettid() == os.Getpid() {
		go serveInternet(serving)
		select {} // the first thread's network stands for the process's: that one stays here
	}
	l, err := openInternet()
	serving <- err
	for err == nil {
		var c net.Conn
		if c, err = l.Accept(); err == nil {
			_, _ = io.WriteString(c, greeting) // whoever left early misses it
			_ = c.Close()
		}
	}
}

func openInternet() (net.Listener, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("making a network: %w", err)
	}
	if err := ip("link", "add", "eth0", "type", "veth", "peer", "name", "wan", "netns", strconv.Itoa(os.Getpid())); err != nil {
		return nil, err
	}
	if err := setUp("lo", "eth0", internet, uplink); err != nil {
		return nil, err
	}
	return net.Listen("tcp", internet+":80")
}

// setUp switches the links of the calling thread's network on.
func setUp(loopback, link, address, gateway string) error {
	for _, arguments := range [][]string{
		{"link", "set", loopback, "up"},
		{"address", "add", address + "/24", "dev", link},
		{"link", "set", link, "up"},
		{"route", "add", "default", "via", gateway},
	} {
		if err := ip(arguments...); err != nil {
			return err
		}
	}
	return nil
}

// ip runs iproute2 in the calling thread's network.
func ip(arguments ...string) error {
	if out, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", arguments, err, out)
	}
	return nil
}

// watchNetwork is watchHost for the links and firewall rules of this process's network. It is
// for a test that has one of its own: others' come and go.
func watchNetwork(t *testing.T) (check func()) {
	t.Helper()
	before := networkTraces(t)
	return func() {
		t.Helper()
		awaitNothingNew(t, before, func() traces { return networkTraces(t) })
	}
}

func networkTraces(t *testing.T) traces {
	t.Helper()
	found := traces{}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		found["link "+l.Name] = true
	}
	tables, err := (&nftables.Conn{}).ListTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		found["firewall table "+table.Name] = true
	}
	return found
}

// The watch must see what it is there for.
func TestWatchSeesLinksAndRules(t *testing.T) {
	needs(t)
	if !inWorld(t) {
		return
	}
	before := networkTraces(t)
	if err := ip("link", "add", "left", "type", "veth", "peer", "name", "right"); err != nil {
		t.Fatal(err)
	}
	c := &nftables.Conn{}
	c.AddTable(&nftables.Table{Name: "left", Family: nftables.TableFamilyINet})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	after := networkTraces(t)
	if len(after) != len(before)+3 || !after["link left"] || !after["link right"] || !after["firewall table left"] {
		t.Errorf("before %v, after %v", before, after)
	}
}
