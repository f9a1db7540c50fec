package light

import (
	"context"
	"errors"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/netns"
	"lambent.dev/lambent/internal/kernel/volume"
)

// What waits in the pools of a template: making a network namespace costs 0.5 ms and
// now and then 100, entering one 20 µs; making a volume and mounting it 3 ms and now and then 50.
const (
	networksAhead = 8
	volumesAhead  = 4
)

// commonTmp is the size of /tmp that is made ahead, in bytes: Lambda's default
// (EphemeralStorage, 512 MB). Another size is made when a workload asks for it.
const commonTmp = 512 << 20

// runtimeAPI is an address of every box besides 127.0.0.1: the Runtime API's host on
// Lambda is link-local too (AWS_LAMBDA_RUNTIME_API).
var runtimeAPI = netip.MustParsePrefix("169.254.100.1/32")

func newNetworks(d *Driver) *pool[*os.File] {
	return newPool("network namespace", networksAhead, d.options.Log,
		func(context.Context) (*os.File, error) { return netns.New(runtimeAPI) },
		func(ns *os.File) { _ = ns.Close() })
}

// tmp is a volume and its mount, which is attached nowhere yet.
type tmp struct {
	volume *volume.Volume
	mount  int
}

func newTmps(d *Driver, m *volume.Maker) *pool[tmp] {
	return newPool("/tmp volume", volumesAhead, d.options.Log,
		func(ctx context.Context) (tmp, error) { return makeTmp(ctx, m, commonTmp) },
		func(t tmp) { _ = t.close() })
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

func (t tmp) close() error { return errors.Join(unix.Close(t.mount), t.volume.Close()) }
