package firecracker

import (
	"context"
	"net/url"
)

// Machine is a guest's hardware and what it boots.
type Machine struct {
	MachineConfig
	BootSource
	Drives     []Drive // in the order in which the guest's kernel names them
	Interfaces []Interface
	Vsock      Vsock
}

// Boot configures a machine and starts it. It returns when its processors run, which is long before
// anything in it answers. After an error Firecracker is of no use any more.
//
// The machine has a balloon, empty, which gives memory back before the guest's kernel kills for
// it, and a source of random numbers.
func (c *Client) Boot(ctx context.Context, m Machine) error {
	for _, r := range bootRequests(m) {
		if err := c.put(ctx, r.path, r.body); err != nil {
			return err
		}
	}
	return nil
}

type request struct {
	path string
	body any
}

func bootRequests(m Machine) []request {
	all := []request{{"/machine-config", m.MachineConfig}, {"/boot-source", m.BootSource}}
	for _, d := range m.Drives {
		all = append(all, request{"/drives/" + url.PathEscape(d.ID), d})
	}
	for _, i := range m.Interfaces {
		all = append(all, request{"/network-interfaces/" + url.PathEscape(i.ID), i})
	}
	return append(all,
		request{"/vsock", m.Vsock}, request{"/balloon", balloon{GivesBack: true}}, request{"/entropy", noLimits{}},
		request{"/actions", action{"InstanceStart"}},
	)
}

// Snapshot is a machine that was saved. The files of its drives lie where they lay.
type Snapshot struct {
	State  string // path of its devices' and processors' state
	Memory string // path of its memory, which is mapped privately: it must stay, and stay as it is
	// Interfaces say which tap device each network device has now; none = the same as before.
	Interfaces []Interface
	Socket     string // of vsock, if another than before
}

// Save writes the state and the memory of a machine that is paused.
func (c *Client) Save(ctx context.Context, s Snapshot) error {
	return c.put(ctx, "/snapshot/create", snapshotCreate{Kind: "Full", State: s.State, Memory: s.Memory})
}

// Restore brings a Firecracker that nothing was asked of to a state that was saved, and lets the
// guest run. Connections over vsock ended when it was saved; what listened in it listens.
func (c *Client) Restore(ctx context.Context, s Snapshot) error {
	body := snapshotLoad{State: s.State, Memory: memoryBackend{Kind: "File", Path: s.Memory}, Resume: true}
	for _, i := range s.Interfaces {
		body.Networks = append(body.Networks, networkOverride{ID: i.ID, Tap: i.Tap})
	}
	if s.Socket != "" {
		body.Vsock = &vsockOverride{Socket: s.Socket}
	}
	return c.put(ctx, "/snapshot/load", body)
}
