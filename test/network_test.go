package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
)

// server is a `lambent up` on the host of a world.
type server struct {
	t       *testing.T
	env     []string
	command *exec.Cmd
	log     *bytes.Buffer
	api     string
}

// startServer starts one in the calling process's network and waits until it is ready.
func startServer(t *testing.T, settings ...string) *server {
	t.Helper()
	api, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	admin, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	data := openFolder(t)
	s := &server{t: t, api: api, log: &bytes.Buffer{}}
	s.env = append(os.Environ(), "LAMBENT_DATA="+data, "LAMBENT_LISTEN="+api, "LAMBENT_ADMIN="+admin, "LAMBENT_ENDPOINT=http://"+api)
	s.env = append(s.env, "LAMBENT_NETWORK_RESOLVERS="+egresstest.Servers, "LAMBENT_STEMS_FLOOR=1", "LAMBENT_STEMS_CEILING=2")
	s.env = append(s.env, settings...)
	s.command = exec.Command(filepath.Join(bin, "lambent"), "up")
	s.command.Env, s.command.Stdout, s.command.Stderr = s.env, s.log, s.log
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.awaitReady()
	return s
}

func (s *server) awaitReady() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", s.api); err == nil {
			_ = c.Close()
			return
		}
	}
	s.t.Fatalf("the server is not ready:\n%s", s.log.String())
}

func (s *server) stop() {
	if s.command.ProcessState != nil {
		return
	}
	_ = s.command.Process.Signal(os.Interrupt)
	if err := s.command.Wait(); err != nil {
		s.t.Errorf("the server ended: %v", err)
	}
	if s.t.Failed() {
		s.t.Logf("the server said:\n%s", s.log.String())
	}
}

// cli runs a command and returns what it prints.
func (s *server) cli(args ...string) (string, error) {
	c := exec.CommandContext(s.t.Context(), filepath.Join(bin, "lambent"), args...)
	c.Env = s.env
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("lambent %s: %w: %s", strings.Join(args, " "), err, said.String())
	}
	return out.String(), nil
}

func (s *server) deploy(name string, flags ...string) {
	s.t.Helper()
	if _, err := s.cli(append([]string{"deploy", "testdata/network/probe.py", "--name", name, "--timeout", "60"}, flags...)...); err != nil {
		s.t.Fatal(err)
	}
}

// outcome is what became of one thing that a function tried.
type outcome struct {
	Got   string
	Error string
}

// try has a function try something.
func (s *server) try(function, what string, arguments ...string) outcome {
	s.t.Helper()
	event, err := json.Marshal(map[string]any{"what": what, "with": append([]string{}, arguments...)})
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := s.cli("invoke", function, string(event))
	if err != nil {
		s.t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	return o
}

func (s *server) works(function, want, what string, arguments ...string) {
	s.t.Helper()
	if o := s.try(function, what, arguments...); o.Error != "" || !strings.Contains(o.Got, want) {
		s.t.Errorf("%s: %s %v: got %q, %s, want %q", function, what, arguments, o.Got, o.Error, want)
	}
}

func (s *server) fails(function, what string, arguments ...string) {
	s.t.Helper()
	if o := s.try(function, what, arguments...); o.Error == "" {
		s.t.Errorf("%s: %s %v: got %q, want an error", function, what, arguments, o.Got)
	}
}

// openFolder is a temporary folder that every uid may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lambent-network-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tiers are the isolations that a test runs with; what a host lacks is named.
func tiers(t *testing.T) []string {
	t.Helper()
	all := []string{"light"}
	if hasBuilt(t, "runsc") {
		all = append(all, "gvisor")
	}
	if os.Getenv("SOAK_GUESTS") != "" && hasBuilt(t, "microvm") { // minutes, where they are emulated
		all = append(all, "microvm")
	}
	return all
}

// hasBuilt puts what make has built for a tier beside the programs, where that is there; in CI it
// is.
func hasBuilt(t *testing.T, name string) bool {
	t.Helper()
	built, err := filepath.Abs(filepath.Join("..", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(built); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Logf("there is no %s, `make %s` builds it", built, name)
		return false
	}
	if err := os.Symlink(built, filepath.Join(bin, name)); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return true
}

func needsNetwork(t *testing.T) {
	t.Helper()
	if err := egress.Supported(); err != nil {
		t.Skip(err)
	}
}

const service = ":" + egresstest.Service

// TestNetworkEgress has real functions try what must and what must not work.
func TestNetworkEgress(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	needsNetwork(t)
	s := startServer(t)
	for _, tier := range tiers(t) {
		t.Run(tier, func(t *testing.T) {
			s := *s
			s.t = t
			s.deploy(tier, "--isolation", tier) // egress is the default where the host gives it
			s.deploy(tier+"-neighbour", "--isolation", tier)
			testReached(&s, tier)
			testUnreached(&s, tier, s.try(tier+"-neighbour", "address").Got)
			testRights(&s, tier)
			testForgery(&s, world, tier)
		})
	}
}

func testReached(s *server, name string) {
	s.works(name, "198.51.100.7 saw "+egresstest.Wide, "tcp", egresstest.Internet+service)
	s.works(name, egresstest.Internet, "resolve", "api.example.com")
	s.works(name, "198.51.100.7 saw "+egresstest.Wide, "tcp", "api.example.com"+service)
	s.works(name, `"FunctionName": "`+name+`"`, "callhome")
	for _, command := range [][]string{{"show", name}, {"invoke", name, `{"what":"address","with":[]}`, "--output", "json"}} {
		if text, err := s.cli(command...); err != nil || !strings.Contains(text, "egress") {
			s.t.Errorf("%v does not say the profile: %q, %v", command, text, err)
		}
	}
}

// testUnreached tries every address that is near.
func testUnreached(s *server, name, neighbour string) {
	_, port, err := net.SplitHostPort(s.api)
	if err != nil {
		s.t.Fatal(err)
	}
	near := []string{neighbour + ":9001", neighbour + ":9700"}
	for _, host := range []string{"127.0.0.1", egresstest.Wide, egresstest.Near, egresstest.Docker, "169.254.67.0"} {
		near = append(near, host+service, net.JoinHostPort(host, port))
	}
	for _, host := range []string{
		egresstest.Metadata, egresstest.Azure, egresstest.Neighbor, neighbour, "169.254.67.1", "198.18.0.1",
		"[::1]", "[" + egresstest.Wide6 + "]", "[" + egresstest.Internet6 + "]", "[" + egresstest.Metadata6 + "]", "[fe80::1%eth0]", "[::ffff:10.0.0.1]",
	} {
		near = append(near, host+service)
	}
	s.works(name, "reached: []", "tcp each", near...)
	s.works(name, "reached: ['"+egresstest.Internet+service+"']", "tcp each", egresstest.Internet+service, egresstest.Neighbor+service)
}

// testRights tries what changes a network, or writes packets.
func testRights(s *server, name string) {
	for _, what := range []string{"packet socket", "raw socket", "add address", "add route", "set address"} {
		s.fails(name, what)
	}
}

// testForgery sends from addresses that are not the function's own.
func testForgery(s *server, world *egresstest.World, name string) {
	arrived := world.Listen(s.t, egresstest.Internet+":7777")
	for _, forged := range []string{"203.0.113.99", "198.18.0.99", "169.254.67.0"} {
		s.try(name, "send from", forged, egresstest.Internet+":7777", "forged")
	}
	s.works(name, "sent", "send from", "0.0.0.0", egresstest.Internet+":7777", "honest")
	select {
	case text := <-arrived:
		if text != "honest" {
			s.t.Errorf("%q arrived", text)
		}
	case <-time.After(20 * time.Second):
		s.t.Error("nothing arrived")
	}
}

// TestNetworkTags holds what tags open and close.
func TestNetworkTags(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	world := egresstest.New(t)
	needsNetwork(t)
	egresstest.Serve(t, "127.0.0.1:6543", "the host's database")
	egresstest.Serve(t, "127.0.0.1:6544", "another service of the host")
	s := startServer(t)
	for _, tier := range tiers(t) {
		t.Run(tier, func(t *testing.T) {
			s := *s
			s.t = t
			s.deploy("open-"+tier, "--isolation", tier, "--tag", "lambent:allow=10.0.0.5:5432 127.0.0.1:6543")
			s.works("open-"+tier, "10.0.0.5 saw "+egresstest.Near, "tcp", egresstest.Neighbor+service)
			s.works("open-"+tier, "the host's database saw 127.0.0.1", "tcp", "127.0.0.1:6543")
			s.works("open-"+tier, "198.51.100.7 saw", "tcp", egresstest.Internet+service)
			s.fails("open-"+tier, "tcp", egresstest.Neighbor+":80")
			s.fails("open-"+tier, "tcp", "127.0.0.1:6544")

			s.deploy("only-"+tier, "--isolation", tier, "--tag", "lambent:only=api.example.com:5432")
			s.fails("only-"+tier, "tcp", egresstest.Internet+service)
			s.works("only-"+tier, "198.51.100.7 saw", "tcp", "api.example.com"+service)
			s.fails("only-"+tier, "tcp", egresstest.Other+service)
			s.fails("only-"+tier, "resolve", "leak-"+tier+".attacker.net")
			s.fails("only-"+tier, "ask", egresstest.Servers, "api.example.com")
			s.works("open-"+tier, egresstest.Internet, "ask", egresstest.Servers, "api.example.com")
			if world.Names.Asked("leak-" + tier + ".attacker.net") {
				t.Error("a name that is not on the list left the sandbox")
			}
			s.works("only-"+tier, `"FunctionName": "only-`+tier, "callhome")

			s.deploy("none-"+tier, "--isolation", tier, "--network", "none", "--tag", "lambent:allow=127.0.0.1:6543")
			s.works("none-"+tier, "the host's database saw 127.0.0.1", "tcp", "127.0.0.1:6543")
			s.works("none-"+tier, `"FunctionName": "none-`+tier, "callhome")
			for _, address := range []string{egresstest.Internet, egresstest.Neighbor, egresstest.Wide} {
				s.fails("none-"+tier, "tcp", address+service)
			}
		})
	}
}

// TestNetworkRefuses holds that what cannot be had is said when it is asked for.
func TestNetworkRefuses(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	needsNetwork(t)
	s := startServer(t)
	_, port, err := net.SplitHostPort(s.api)
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{
		"lambent:network=host":                 "allow-host = true",
		"lambent:network=internet":             "use none, egress or host",
		"lambent:allow=169.254.169.254:80":     "cannot be opened: link-local",
		"lambent:allow=10.0.0.5":               "10.0.0.5:5432",
		"lambent:allow=127.0.0.1:" + port:      "this is Lambent itself",
		"lambent:allow=127.0.0.1:9001":         "Lambent's own inside a sandbox",
		"lambent:only=https://api.example.com": "bad port",
	} {
		_, err := s.cli("deploy", "testdata/network/probe.py", "--name", "refused", "--tag", tag)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", tag, err, want)
		}
	}
}

// TestNetworkHost holds that the profile host is the host's network, where it is allowed.
func TestNetworkHost(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	needsNetwork(t)
	s := startServer(t, "LAMBENT_NETWORK_ALLOW_HOST=true")
	s.deploy("hosted", "--network", "host")
	s.works("hosted", "host saw 127.0.0.1", "tcp", "127.0.0.1"+service)
	s.works("hosted", "10.0.0.5 saw "+egresstest.Near, "tcp", egresstest.Neighbor+service)
	s.works("hosted", `"FunctionName": "hosted"`, "callhome")
	s.fails("hosted", "raw socket")
}

// TestNetworkWithoutForwarding holds that a host that forwards nothing gives no egress, says
// why, and that functions that name no network run without.
func TestNetworkWithoutForwarding(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	needsNetwork(t)
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	s := startServer(t)
	s.deploy("plain")
	s.fails("plain", "tcp", egresstest.Internet+service)
	s.works("plain", `"FunctionName": "plain"`, "callhome")
	_, err := s.cli("deploy", "testdata/network/probe.py", "--name", "out", "--network", "egress")
	if err == nil || !strings.Contains(err.Error(), "sysctl -w net.ipv4.ip_forward=1") {
		t.Errorf("%v", err)
	}
}
