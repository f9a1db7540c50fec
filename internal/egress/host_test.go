package egress_test

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
	"lambent.dev/lambent/internal/sandbox"
)

// traces are what a gateway adds to the host.
func traces(t *testing.T) (found []string) {
	t.Helper()
	all, err := net.Interfaces()
	must(t, err)
	for _, i := range all {
		found = append(found, "interface "+i.Name)
	}
	c, err := nftables.New()
	must(t, err)
	tables, err := c.ListTables()
	must(t, err)
	for _, table := range tables {
		found = append(found, "table "+table.Name)
	}
	routes, err := os.ReadFile("/proc/net/route")
	must(t, err)
	return append(found, string(routes))
}

// TestCloseLeavesNothing holds that the host is as it was.
func TestCloseLeavesNothing(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	before := traces(t)
	g := newGateway(t)
	newLink(t, g)
	if during := traces(t); slices.Equal(before, during) || !slices.Contains(during, "table lambent-test") {
		t.Errorf("a gateway that works is not seen: %v", during)
	}
	must(t, g.Close())
	if after := traces(t); !slices.Equal(before, after) {
		t.Errorf("left behind:\n%v\nwas\n%v", after, before)
	}
}

// doomed makes this process one that opens a gateway and waits to be killed.
const doomed = "LAMBENTTEST_DOOMED"

func TestMain(m *testing.M) {
	if os.Getenv(doomed) == "" {
		os.Exit(m.Run())
	}
	l, err := egress.New(egress.Options{Owner: "doomed"}).Link()
	if err != nil {
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("open\n")
	_, _ = os.Stdin.Read(make([]byte, 1)) // for ever
	_ = l.Close()
}

// TestKilled holds that nothing outlives the process, and that the next one finds its place.
func TestKilled(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	newGateway(t) // skips where there can be none
	before := traces(t)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), doomed+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := c.StdinPipe()
	must(t, err)
	defer in.Close()
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("the process that is to be killed said %q, %v", line, err)
	}
	if during := traces(t); !slices.Contains(during, "table lambent-doomed") || !slices.Contains(during, "interface lambent0") {
		t.Errorf("before it is killed there are %v", during)
	}
	must(t, c.Process.Kill())
	_ = c.Wait()
	for end := time.Now().Add(time.Minute); !slices.Equal(before, traces(t)); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left behind:\n%v\nwas\n%v", traces(t), before)
		}
	}
}

// TestFirewallFlushed holds that a firewall that removes everybody's rules, as one that is
// restarted does, opens nothing.
func TestFirewallFlushed(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	l := newLink(t, newGateway(t))
	c, err := nftables.New()
	must(t, err)
	c.AddTable(&nftables.Table{Name: "somebody", Family: nftables.TableFamilyINet})
	must(t, c.Flush())
	c.FlushRuleset()
	must(t, c.Flush())
	if now := traces(t); slices.Contains(now, "table somebody") || !slices.Contains(now, "table lambent-test") {
		t.Errorf("after a flush there are %v", now)
	}
	misses(t, l, at(egresstest.Wide))
	reaches(t, l, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide)
}

// TestTwoServers holds that one may take over while the other finishes.
func TestTwoServers(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	first := newGateway(t)
	second := egress.New(egress.Options{Owner: "second"})
	a, b := newLink(t, first), newLink(t, second)
	reaches(t, a, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide)
	reaches(t, b, at(egresstest.Other), "198.51.100.8 saw "+egresstest.Wide)
	for _, hub := range []string{"169.254.67.0", "169.254.67.1", "169.254.67.2", "169.254.67.3"} {
		misses(t, a, at(hub))
	}
	must(t, first.Close())
	reaches(t, b, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide)
	must(t, second.Close())
}

// TestDocker holds that a firewall that forwards nothing is found and named with what to do,
// and that doing that helps.
func TestDocker(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	newGateway(t)
	if c := check(t, "host's firewall"); !c.OK {
		t.Errorf("without a firewall: %+v", c)
	}
	c, err := nftables.New()
	must(t, err)
	filter := c.AddTable(&nftables.Table{Name: "filter", Family: nftables.TableFamilyIPv4})
	drop := nftables.ChainPolicyDrop
	forward := c.AddChain(&nftables.Chain{
		Name: "FORWARD", Table: filter, Type: nftables.ChainTypeFilter, Policy: &drop,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter,
	})
	must(t, c.Flush())
	if got := check(t, "host's firewall"); got.OK || !strings.Contains(got.Found, "filter FORWARD") || !strings.Contains(got.Fix, "DOCKER-USER -i lambent+ -j ACCEPT") {
		t.Errorf("with Docker's policy: %+v", got)
	}
	for _, key := range []expr.MetaKey{expr.MetaKeyIIFNAME, expr.MetaKeyOIFNAME} { // as the fix says
		c.AddRule(&nftables.Rule{Table: filter, Chain: forward, Exprs: []expr.Any{
			&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte("lambent")},
			&expr.Verdict{Kind: expr.VerdictAccept},
		}})
	}
	must(t, c.Flush())
	if got := check(t, "host's firewall"); !got.OK {
		t.Errorf("with the fix: %+v", got)
	}
}

// check is one of those that a person sees; none may leave anything.
func check(t *testing.T, name string) sandbox.Check {
	t.Helper()
	before := traces(t)
	all := egress.Checks(t.Context())
	if after := traces(t); !slices.Equal(before, after) {
		t.Errorf("a check left behind:\n%v\nwas\n%v", after, before)
	}
	i := slices.IndexFunc(all, func(c sandbox.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %q in %+v", name, all)
	}
	return all[i]
}

func TestForwardingOff(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	newGateway(t)
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0))
	if c := check(t, "IPv4 forwarding"); c.OK || !c.Required || !strings.Contains(c.Fix, "net.ipv4.ip_forward=1") {
		t.Errorf("in a network that forwards nothing: %+v", c)
	}
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0))
	if c := check(t, "IPv4 forwarding"); !c.OK {
		t.Errorf("in a network that forwards: %+v", c)
	}
}

// TestStolenAddress holds that a sandbox that could give itself another's address, which it
// cannot, takes nothing from it: each has a wire of its own.
func TestStolenAddress(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	g := newGateway(t)
	thief, victim := newLink(t, g), newLink(t, g)
	world.In(thief.NS, func() error { return egresstest.Address("eth0", victim.Address.String()+"/32") })
	world.In(thief.NS, func() error { return announce(victim.Address) })
	for range 5 {
		reaches(t, victim, at(egresstest.Internet), "198.51.100.7 saw "+egresstest.Wide)
	}
}

// announce claims an address by a gratuitous ARP.
func announce(a netip.Addr) error {
	link, err := net.InterfaceByName("eth0")
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	packet := []byte{0, 1, 8, 0, 6, 4, 0, 2}
	for range 2 { // who sends it and who is meant
		packet = append(append(packet, link.HardwareAddr...), a.AsSlice()...)
	}
	to := &unix.SockaddrLinklayer{Protocol: 0x0608, Ifindex: link.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	return unix.Sendto(fd, packet, 0, to)
}
