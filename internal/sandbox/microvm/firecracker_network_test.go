package microvm

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
	"lambent.dev/lambent/internal/kernel/netns"
)

// A guest's network device is a tap that its monitor opens by name, and nobody else can, in a
// namespace where there is nothing else; from then on it is the hub's. So it is for a guest that
// boots and for one that goes on from it.
func TestFirecrackerMonitorsTapIsTheHubs(t *testing.T) {
	if egresstest.Outside(t) {
		return
	}
	needRoot(t)
	egresstest.New(t)
	if err := egress.Supported(); err != nil {
		t.Skip(err)
	}
	gateway := egress.New(egress.Options{Owner: "firecracker", Servers: []netip.AddrPort{netip.MustParseAddrPort(egresstest.Servers + ":53")}})
	t.Cleanup(func() {
		if err := gateway.Close(); err != nil {
			t.Error(err)
		}
	})
	v := newFirecracker(t)
	if err := os.MkdirAll(v.shelf.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := parts(t)
	s := &snapshot{named: true, ram: write(t, filepath.Join(t.TempDir(), "ram"), "pages"), state: write(t, filepath.Join(t.TempDir(), "state"), "registers")}
	for id, from := range map[string]*snapshot{"boots": nil, "goes-on": s} {
		link, err := gateway.NamedTap(monitorID)
		if err != nil {
			t.Fatal(err)
		}
		h.link = link
		openWithTap(t, v, id, h, from)
		if got := interfaces(t, link.NS); !slices.Equal(got, []string{"lo"}) {
			t.Errorf("%s: its namespace still has %v", id, got)
		}
		if err := link.Close(); err != nil {
			t.Error(err)
		}
	}
}

// openWithTap has a server answer that opens the tap as Firecracker does when it is told of it.
func openWithTap(t *testing.T, v *firecrackerVMM, id string, h hardware, s *snapshot) {
	t.Helper()
	prepared, err := v.prepare(id, h, s)
	if err != nil {
		t.Fatal(err)
	}
	m := prepared.(*firecrackerMonitor)
	if m.command().network != h.link.NS {
		t.Errorf("%s: the monitor is not started where its tap is", id)
	}
	api := answer(t, m)
	api.api.Look = api.opensTap(t, h.link.NS)
	api.listenVsock(t)
	t.Cleanup(func() { _ = m.port().Close() })
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	guest, err := m.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if asked := api.api.Asked(); s == nil && !slices.Contains(asked, "putGuestNetworkInterfaceByID") {
		t.Errorf("%s: asked %v", id, asked)
	}
	if err := errors.Join(guest.close(), m.port().Close(), m.close()); err != nil {
		t.Error(err)
	}
}

// opensTap is look, and opens a tap that is named, or that a snapshot has by its name.
func (j *jailed) opensTap(t *testing.T, ns *os.File) func(string, map[string]any) error {
	return func(operation string, body map[string]any) error {
		name, named := body["host_dev_name"].(string)
		if operation == "loadSnapshot" {
			name, named = egress.TapName, true
		}
		if !named {
			return j.look(operation, body)
		}
		tap, err := egresstest.OpenTap(ns, name, monitorID)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = tap.Close() })
		return j.look(operation, body)
	}
}

func interfaces(t *testing.T, ns *os.File) (names []string) {
	t.Helper()
	err := netns.Do(ns, func() error {
		all, err := net.Interfaces()
		for _, i := range all {
			names = append(names, i.Name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
