package light

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// What waits: making a network namespace costs 0.5 ms and now and then 100, entering one
// 20 µs; making a volume and mounting it 2 ms and now and then 50.
const (
	leastNetworks, mostNetworks = 8, 64
	leastVolumes, mostVolumes   = 4, 32
)

// unlimitedTmp stands for a /tmp without its limit, in bytes.
const unlimitedTmp = 8 << 30

// commonTmp is the size of /tmp that is made ahead, in bytes: Lambda's default
// (EphemeralStorage, 512 MB). Another size is made when a base asks for it.
const commonTmp = 512 << 20

// runtimeAPI is an address of every box besides 127.0.0.1: the Runtime API's host on
// Lambda is link-local too (AWS_LAMBDA_RUNTIME_API).
var runtimeAPI = netip.MustParsePrefix("169.254.100.1/32")

// ahead is what waits for boxes of any template of a driver.
type ahead struct {
	volumes *volume.Maker
	nets    *pool[*os.File]     // nil without NetworkNamespace
	links   *pool[*egress.Link] // nil before the first template with egress
	tmps    *pool[tmp]
}

func (d *Driver) newAhead() (*ahead, error) {
	dir, err := d.private(tmpFolder)
	if err != nil {
		return nil, err
	}
	a := &ahead{}
	if a.volumes, err = volume.Open(dir); err != nil {
		return nil, err
	}
	if d.has(NetworkNamespace) {
		a.nets = newPool(networks(), d.options.Log)
	}
	a.tmps = newPool(tmps(a.volumes), d.options.Log)
	return a, nil
}

func (a *ahead) close() {
	if a.nets != nil {
		a.nets.close()
	}
	if a.links != nil {
		a.links.close()
	}
	a.tmps.close()
}

// useAhead adds a template to those that take from what waits; the first makes it.
func (d *Driver) useAhead(n sandbox.Network) (_ *ahead, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users == 0 {
		if d.ahead, err = d.newAhead(); err != nil {
			return nil, fmt.Errorf("making things ahead: %w", err)
		}
	}
	if n == lambda.NetworkEgress && d.ahead.links == nil {
		d.ahead.links = newPool(links(d.options.Egress), d.options.Log)
	}
	d.users++
	return d.ahead, nil
}

// leaveAhead frees what waits with the last template.
func (d *Driver) leaveAhead() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users--; d.users == 0 {
		d.ahead.close()
	}
}

func networks() stock[*os.File] {
	return stock[*os.File]{
		name: "network namespace", least: leastNetworks, most: mostNetworks,
		make: func(context.Context) (*os.File, error) { return netns.New(runtimeAPI) },
		free: func(ns *os.File) { _ = ns.Close() },
	}
}

func links(g *egress.Gateway) stock[*egress.Link] {
	return stock[*egress.Link]{
		name: "link to the outside", least: leastNetworks, most: mostNetworks,
		make: func(context.Context) (*egress.Link, error) { return g.Link(runtimeAPI) },
		free: func(l *egress.Link) { _ = l.Close() },
	}
}

// tmp is a volume and its mount, which is attached nowhere yet.
type tmp struct {
	volume *volume.Volume
	mount  int
}

func tmps(m *volume.Maker) stock[tmp] {
	return stock[tmp]{
		name: "/tmp volume", least: leastVolumes, most: mostVolumes,
		make: func(ctx context.Context) (tmp, error) { return makeTmp(ctx, m, commonTmp) },
		free: func(t tmp) { _ = t.close() },
	}
}

func makeTmp(ctx context.Context, m *volume.Maker, size int64) (tmp, error) {
	v, err := m.New(ctx, size)
	if err != nil {
		return tmp{}, err
	}
	fd, err := v.Mount()
	if err != nil {
		return tmp{}, errors.Join(err, v.Close())
	}
	return tmp{volume: v, mount: fd}, nil
}

// takeTmp gives a box its /tmp, which lives as long as the box.
func (a *ahead) takeTmp(ctx context.Context, size int64) (tmp, error) {
	if size == commonTmp {
		return a.tmps.take(ctx)
	}
	return makeTmp(ctx, a.volumes, size)
}

// giveBack ends a volume whose box has ended. One that nobody wrote to, and most are, waits
// for another box: making and ending one costs more than the rest of a box.
func (a *ahead) giveBack(v *volume.Volume, size int64) error {
	if size == commonTmp && v.Untouched() && a.reuse(v) {
		return nil
	}
	v.Empty()
	return v.Close()
}

func (a *ahead) reuse(v *volume.Volume) bool {
	fd, err := v.Mount()
	if err != nil {
		return false
	}
	kept := a.tmps.give(tmp{volume: v, mount: fd})
	if !kept {
		_ = unix.Close(fd)
	}
	return kept
}

func (t tmp) close() error { return errors.Join(unix.Close(t.mount), t.volume.Close()) }
