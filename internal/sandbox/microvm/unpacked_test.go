package microvm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/agent/wire"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/microvm"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// A machine as Firecracker's is, in QEMU: the unpacked kernel starts at its PVH entry, without a
// boot loader; devices are virtio's on MMIO, found by ACPI; drives have no names; and where there
// is vhost-device-vsock, which has Firecracker's protocol on its socket, the host reaches the
// agent over vsock only.
func TestGuestOfAnUnpackedKernel(t *testing.T) {
	t.Run("serial port", func(t *testing.T) {
		g := bootUnpacked(t, "-device", "virtio-serial-device,max_ports=2", "-chardev", "socket,id=port,path=port.sock,server=on,wait=off", "-device", "virtserialport,nr=1,chardev=port")
		control := g.control(t, g.dial(t, func(ctx context.Context, dir *os.File) (net.Conn, error) {
			return firecracker.DialSocket(ctx, dir, "port.sock")
		}))
		asks(t, control)
		if err := microvm.KeepsTime(t.Context(), control); !errors.Is(err, microvm.ErrClock) {
			t.Errorf("a guest whose clock is fast was not found out: %v", err)
		}
	})
	t.Run("vsock", func(t *testing.T) {
		reach := func(ctx context.Context, dir *os.File) (net.Conn, error) {
			return firecracker.DialGuest(ctx, dir, "vsock", 1024)
		}
		g, first := bootWithVsock(t, vhostDeviceVsock(t), reach)
		asks(t, g.control(t, first))
		_ = first.Close() // as a snapshot's end of it
		second := g.dial(t, reach)
		control := g.control(t, second)
		asks(t, control)
		wakes(t, control)
		asks(t, control)
		_ = second.Close() // a guest that is awake ends with it
		select {
		case <-g.ended:
		case <-t.Context().Done():
		case <-time.After(time.Minute):
			t.Error("the guest lives on without a host")
		}
	})
}

// vhostDeviceVsock is what `make vhost` builds, or what the host has.
func vhostDeviceVsock(t *testing.T) string {
	t.Helper()
	const program = "vhost-device-vsock"
	built, err := filepath.Abs("../../../bin/vhost/bin/" + program)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(built); err == nil {
		return built
	}
	found, err := exec.LookPath(program)
	if err != nil {
		t.Skip(program + " is missing: make vhost, which needs cargo")
	}
	return found
}

// asks has the agent answer, which it does when it has found all its drives and its root.
func asks(t *testing.T, c *agent.Control) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	m, err := c.Call(ctx, &agentproto.Request{Usage: &agentproto.Usage{}})
	if err != nil || m.Used == nil {
		t.Fatalf("%+v, %v", m, err)
	}
}

// wakes makes the guest one that is no snapshot any more: time, seed, /tmp.
func wakes(t *testing.T, c *agent.Control) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	setup := &agentproto.Setup{UID: hostroot.UID, GID: hostroot.GID, ShmSize: 1 << 20, Guest: &agentproto.Guest{
		Fresh: &agentproto.Fresh{Time: time.Now().UnixNano(), Seed: make([]byte, 64)},
	}}
	if _, err := c.Call(ctx, &agentproto.Request{Setup: setup}); err != nil {
		t.Fatal(err)
	}
}

// fastClock has a guest count with 1 GHz, less than any host's.
const fastClock = "tsc_early_khz=1000000"

// unpacked is such a machine.
type unpacked struct {
	dir   *os.File
	ended chan struct{} // closed when it has
	said  string        // path of what QEMU says
}

// bootUnpacked starts one, with a port to its agent.
func bootUnpacked(t *testing.T, port ...string) *unpacked {
	t.Helper()
	set, err := image.Find(images())
	if err != nil || runtime.GOARCH != "amd64" {
		t.Skip(err)
	}
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Skip(err)
	}
	path := t.TempDir()
	unpack(t, set, path)
	line := "quiet reboot=t panic=-1 lsm= mitigations=off nokaslr random.trust_cpu=on 8250.nr_uarts=0 " + fastClock + " lambent.drives=" + strings.Join(agentproto.Devices(), ",")
	if port[0] == "vsock" {
		startVsock(t, port[1], path)
		port = []string{"-chardev", "socket,id=vsock,path=vhost", "-device", "vhost-user-vsock-device,chardev=vsock", "-qmp", "unix:qmp,server=on,wait=off"}
		line += " lambent.vsock=1024"
	}
	args := append([]string{
		"-M", "microvm,memory-backend=ram", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-accel", "tcg", "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand", "-m", "192M", "-object", "memory-backend-memfd,id=ram,size=192M,share=on",
		"-kernel", "vmlinux", "-initrd", "initrd", "-append", line,
	}, port...) // first: the kernel's number of a serial port is its device's
	for _, name := range agentproto.Devices() {
		readOnly := "on"
		if name == "tmp" {
			readOnly = "off"
		}
		args = append(args, "-blockdev", fmt.Sprintf("file,node-name=%s,filename=%s,read-only=%s,locking=off", name, name, readOnly), "-device", "virtio-blk-device,drive="+name)
	}
	args = append(args, "-device", "virtio-balloon-device", "-device", "virtio-rng-device")
	g := &unpacked{dir: folder(t, path), said: filepath.Join(path, "said"), ended: make(chan struct{})}
	g.start(t, qemu, path, args)
	return g
}

// unpack lays what the machine boots into a folder.
func unpack(t *testing.T, set image.Set, path string) {
	t.Helper()
	for name, write := range map[string]func(io.Writer) error{
		"vmlinux": func(w io.Writer) error { return image.Vmlinux(w, set.Kernel) },
		"initrd": func(w io.Writer) error {
			return image.WriteInitramfs(w, agentBinary, set.Modules, false, image.FirecrackerModules()...)
		},
	} {
		f, err := os.Create(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := write(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	for _, name := range agentproto.Devices()[1:] {
		if err := os.WriteFile(filepath.Join(path, name), make([]byte, 8<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("/sbin/mkfs.ext4", "-q", filepath.Join(path, "tmp")).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	if err := os.Symlink(set.Base, filepath.Join(path, "base")); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func startVsock(t *testing.T, program, path string) {
	t.Helper()
	cmd := exec.Command(program, "--guest-cid", "3", "--socket", "vhost", "--uds-path", "vsock")
	cmd.Dir = path
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for ctx.Err() == nil {
		if _, err := os.Stat(filepath.Join(path, "vhost")); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("vhost-device-vsock made no socket")
}

func (g *unpacked) start(t *testing.T, qemu, path string, args []string) {
	t.Helper()
	said, err := os.Create(g.said)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.Command(qemu, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = path, said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(g.ended); _ = cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-g.ended })
}

// bootWithVsock boots until a guest's device works. In one boot of some, more beside load,
// vhost-device-vsock misses that the guest's kernel readied it, and answers nobody any more
// (github.com/rust-vmm/vhost/issues/247). A guest whose agent does not listen fails all boots.
func bootWithVsock(t *testing.T, program string, reach func(context.Context, *os.File) (net.Conn, error)) (*unpacked, net.Conn) {
	t.Helper()
	for range 6 {
		g := bootUnpacked(t, "vsock", program)
		g.waitForVsock(t)
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		conn, err := reach(ctx, g.dir)
		stop()
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return g, conn
		}
		t.Log("booting again: ", err)
	}
	t.Fatal("no guest was reached")
	return nil, nil
}

// waitForVsock waits until the guest's kernel drives the device: who asks for it before is lost in
// vhost-device-vsock more often than not.
func (g *unpacked) waitForVsock(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	conn, err := firecracker.DialSocket(ctx, g.dir, "qmp")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	qemu, says := json.NewEncoder(conn), json.NewDecoder(conn)
	ask := func(command string, arguments map[string]string) (answer struct{ Return json.RawMessage }) {
		for _, step := range []error{qemu.Encode(map[string]any{"execute": command, "arguments": arguments}), says.Decode(&answer)} {
			if step != nil {
				t.Fatalf("QEMU, %s: %v", command, step)
			}
		}
		return answer
	}
	var greeting json.RawMessage
	if err := says.Decode(&greeting); err != nil {
		t.Fatal(err)
	}
	ask("qmp_capabilities", map[string]string{})
	var devices []struct{ Name, Path string }
	if err := json.Unmarshal(ask("x-query-virtio", map[string]string{}).Return, &devices); err != nil {
		t.Fatal(err)
	}
	vsock := slices.IndexFunc(devices, func(d struct{ Name, Path string }) bool { return strings.Contains(d.Name, "vsock") })
	if vsock < 0 {
		t.Fatalf("QEMU has only %+v", devices)
	}
	for ctx.Err() == nil {
		status := ask("x-query-virtio-status", map[string]string{"path": devices[vsock].Path}).Return
		if strings.Contains(string(status), "VIRTIO_CONFIG_S_DRIVER_OK") {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the guest does not use vsock")
}

// dial reaches the agent, which takes as long as a boot.
func (g *unpacked) dial(t *testing.T, how func(context.Context, *os.File) (net.Conn, error)) net.Conn {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	began := time.Now()
	conn, err := how(ctx, g.dir)
	if err != nil {
		said, _ := os.ReadFile(g.said)
		t.Fatalf("%v: QEMU said: %s", err, said)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Logf("reached after %v", time.Since(began).Round(time.Millisecond))
	return conn
}

func (g *unpacked) control(t *testing.T, conn net.Conn) *agent.Control {
	t.Helper()
	w := wire.Host(conn, func(_ uint64, s *wire.Stream) { _ = s.Close() })
	t.Cleanup(func() { _ = w.Close() })
	return agent.NewControl(w, func(initproto.Exit) {})
}
