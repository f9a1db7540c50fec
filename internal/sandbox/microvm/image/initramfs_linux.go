package image

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// modules are what a guest needs of its kernel, in an order in which they can be loaded. Those
// that a kernel has built in are left out.
var modules = []string{
	"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_mmio",
	"virtio_console", "virtio_blk", "libcrc32c", "erofs", "rng-core", "virtio-rng",
}

// networkModules are those of guests with a network device.
var networkModules = []string{"failover", "net_failover", "virtio_net"}

// FirecrackerModules are those of devices that only Firecracker's guests have.
func FirecrackerModules() []string {
	return []string{"vsock", "vmw_vsock_virtio_transport_common", "vmw_vsock_virtio_transport", "virtio_balloon"}
}

// WriteInitramfs writes the first file system of a guest: the agent, which the kernel starts,
// and its modules, with or without those of a network device, and more that are loaded last.
func WriteInitramfs(w io.Writer, agent, moduleDir string, network bool, more ...string) error {
	buffered := bufio.NewWriter(w)
	a := &archive{w: buffered}
	for _, name := range []string{"dev", "proc", "sys", "root", "groups", agentproto.Modules[1:]} {
		a.folder(name)
	}
	a.device("dev/console", 5, 1) // where the kernel lets its first program write
	a.device("dev/null", 1, 3)    // which Go opens in its place where there is no console
	a.copy(agentproto.GuestPath[1:], programFile, agent)
	var order strings.Builder
	needed := modules
	if network {
		needed = slices.Concat(modules, networkModules)
	}
	for _, name := range slices.Concat(needed, more) {
		path, err := findModule(moduleDir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(&order, filepath.Base(path))
		a.copy(agentproto.Modules[1:]+"/"+filepath.Base(path), fileMode, path)
	}
	a.file(agentproto.Modules[1:]+"/order", fileMode, []byte(order.String()))
	return errors.Join(a.end(), buffered.Flush())
}

func findModule(dir, name string) (string, error) {
	path := filepath.Join(dir, name+".ko")
	_, err := os.Stat(path)
	return path, err
}
