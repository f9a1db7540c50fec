package microvm_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm"
)

// connects prints each address that answers. Those of the first argument are given time to: an
// emulated guest on a busy host needs some.
const connects = `
import socket, sys
for at in sys.argv[2:]:
    host, port = at.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), 45 if at in sys.argv[1].split() else 3) as s:
            s.sendall(b"hello\n")
            print(at)
    except OSError:
        pass
`

// TestGuestReachesTheOutside holds a guest to the profile egress, and to its function's list, and
// that two guests of one snapshot are two stations that do not reach each other.
func TestGuestReachesTheOutside(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	egresstest.New(t)
	if err := egress.Supported(); err != nil {
		t.Skip(err)
	}
	gateway := egress.New(egress.Options{Owner: "guests", Servers: []netip.AddrPort{netip.MustParseAddrPort(egresstest.Servers + ":53")}})
	d, err := microvm.New(microvm.Options{
		Agent: agentBinary, Images: images(), Filter: filter(t), Owner: fmt.Sprintf("microvm-net-%d", os.Getpid()), Dir: t.TempDir(), Cache: cache, Egress: gateway,
	})
	if err != nil {
		t.Fatal(err)
	}
	require(t, d)
	template, err := d.Prepare(t.Context(), sandbox.Base{Root: sandbox.RootHost, Tmp: 64 << 20, Network: lambda.NetworkEgress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(template.Close(), d.Close(), gateway.Close()); err != nil {
			t.Error(err)
		}
	})
	const plain, neighbour = "plain", "neighbour"
	boxes := map[string]sandbox.Sandbox{}
	for _, name := range []string{plain, neighbour} {
		boxes[name] = boundBox(t, template, sandbox.Workload{})
	}
	reach, err := lambda.ParseReach(egresstest.Neighbor+":"+egresstest.Service, "")
	if err != nil {
		t.Fatal(err)
	}
	allowed := boundBox(t, template, sandbox.Workload{Reach: reach})
	other := addressOf(t, boxes[neighbour])
	if addressOf(t, boxes[plain]) == other {
		t.Fatalf("two guests have the address %s", other)
	}
	var all []string
	for _, host := range []string{egresstest.Internet, "api.example.com", egresstest.Neighbor, egresstest.Metadata, egresstest.Wide, egresstest.Near, egresstest.Docker, "169.254.67.0", other} {
		all = append(all, net.JoinHostPort(host, egresstest.Service))
	}
	outside := strings.Join(all[:2], "\n") + "\n"
	if got := output(t, boxes[plain], "/usr/bin/python3", append([]string{"-c", connects, outside}, all...)...); got != outside {
		t.Errorf("a guest reaches %q, want %q", got, outside)
	}
	opened := outside + all[2] + "\n"
	if got := output(t, allowed, "/usr/bin/python3", append([]string{"-c", connects, opened}, all...)...); got != opened {
		t.Errorf("a guest that may reach one more reaches %q, want %q", got, opened)
	}
}

// addressOf is a guest's own address.
func addressOf(t *testing.T, box sandbox.Sandbox) string {
	t.Helper()
	const ask = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('198.51.100.7', 1)); print(s.getsockname()[0])"
	return strings.TrimSpace(output(t, box, "/usr/bin/python3", "-c", ask))
}

// boundBox is a box of a template that ends with the test.
func boundBox(t *testing.T, template sandbox.Template, w sandbox.Workload) sandbox.Sandbox {
	t.Helper()
	box := createdBox(t, template.Create)
	w.Name, w.Memory, w.Pids = "test", 128<<20, 64
	if err := box.Bind(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return box
}
