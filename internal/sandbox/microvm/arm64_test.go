package microvm

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/agent/wire"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// A guest for arm64 boots with Debian's kernel and lambent-agent, is saved, and goes on as two: as
// the driver has it done, whatever this machine's processor is. test/arm64 fetches what it needs.
func TestArm64GuestBootsAndGoesOn(t *testing.T) {
	set := os.Getenv("GUEST_ARM64") // a set of images, and lambent-agent
	if set == "" {
		t.Skip("GUEST_ARM64 names no folder with what a guest of the other processor boots from: make soak, test/arm64")
	}
	q := qemu{"arm64"}
	h := armHardware(t, set)
	boot := runArm(t, q, "boot", h, nil)
	boot.ask(t, &agentproto.Request{Usage: &agentproto.Usage{}})
	if err := boot.machine.pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := boot.machine.save(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	boot.end(t)
	if err := s.settle(); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	h.ram = s.ram
	for _, id := range []string{"one", "two"} {
		guest := runArm(t, q, id, h, s)
		guest.ask(t, &agentproto.Request{Setup: &agentproto.Setup{UID: hostroot.UID, GID: hostroot.GID, ShmSize: 1 << 20, Guest: &agentproto.Guest{
			Fresh: &agentproto.Fresh{Time: time.Now().UnixNano(), Seed: make([]byte, seedSize)},
		}}})
		guest.ask(t, &agentproto.Request{Usage: &agentproto.Usage{}})
		guest.end(t)
	}
}

// armHardware is a guest's of 192 MiB whose processor is emulated, with drives that hold nothing but the
// base.
func armHardware(t *testing.T, set string) hardware {
	t.Helper()
	dir := t.TempDir()
	initrd := fileIn(t, dir, "initrd", 0)
	if err := image.WriteInitramfs(initrd, filepath.Join(set, "lambent-agent"), filepath.Join(set, "modules"), false); err != nil {
		t.Fatal(err)
	}
	ram, err := memoryFile("ram")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ram.Close() })
	h := hardware{memory: 192 << 20, cpus: 1, kernel: open(t, filepath.Join(set, "vmlinuz")), initrd: initrd, ram: ram, drives: map[string]*os.File{}}
	if err := ram.Truncate(h.memory); err != nil {
		t.Fatal(err)
	}
	for _, name := range agentproto.Devices() {
		h.drives[name] = fileIn(t, dir, name, 8<<20)
		if name != "tmp" {
			h.drives[name] = open(t, filepath.Join(dir, name)) // as the monitor uses it: read only
		}
	}
	made(t, "mkfs.ext4", "-q", filepath.Join(dir, "tmp"))
	base, err := image.Find([]string{set})
	if err != nil {
		t.Fatal(err)
	}
	h.drives["base"] = open(t, base.Base)
	return h
}

// fileIn is a new file of so many bytes, open for both.
func fileIn(t *testing.T, dir, name string, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f
}

// made runs a program that makes something.
func made(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// armGuest is a guest that runs.
type armGuest struct {
	monitor monitor
	machine machine
	control *agent.Control
	wire    *wire.Conn
	process *exec.Cmd
}

func runArm(t *testing.T, q qemu, id string, h hardware, s *snapshot) *armGuest {
	t.Helper()
	m, err := q.prepare(id, h, s)
	if err != nil {
		t.Fatal(err)
	}
	began, c := time.Now(), m.command()
	g := &armGuest{monitor: m, process: exec.Command(c.program, c.args...)}
	g.process.ExtraFiles, g.process.Stderr = c.files, os.Stderr
	if err := g.process.Start(); err != nil {
		t.Fatal(err)
	}
	m.started()
	t.Cleanup(func() { _ = g.process.Process.Kill(); _ = g.process.Wait() })
	ctx, stop := context.WithTimeout(t.Context(), bootLimit)
	defer stop()
	if g.machine, err = m.open(ctx); err != nil {
		t.Fatal(err)
	}
	g.wire = wire.Host(m.port(), func(_ uint64, s *wire.Stream) { _ = s.Close() })
	g.control = agent.NewControl(g.wire, func(initproto.Exit) {})
	t.Logf("%s: runs after %v", id, time.Since(began).Round(time.Millisecond))
	return g
}

// ask has the agent do something, which takes as long as a boot.
func (g *armGuest) ask(t *testing.T, r *agentproto.Request) {
	t.Helper()
	began := time.Now()
	ctx, stop := context.WithTimeout(t.Context(), bootLimit)
	defer stop()
	if _, err := g.control.Call(ctx, r); err != nil {
		t.Fatal(err)
	}
	t.Logf("answered after %v", time.Since(began).Round(time.Millisecond))
}

func (g *armGuest) end(t *testing.T) {
	t.Helper()
	_ = g.process.Process.Kill()
	_ = g.process.Wait()
	if err := errors.Join(g.machine.close(), g.wire.Close()); err != nil {
		t.Error(err)
	}
}

// Each kind of processor has a machine, a program and a kernel of its own.
func TestMonitorOfEachProcessor(t *testing.T) {
	for arch, want := range map[string]string{"amd64": "/usr/bin/qemu-system-x86_64", "arm64": "/usr/bin/qemu-system-aarch64"} {
		q := qemu{arch}
		if got := image.QEMU(arch); got != want {
			t.Errorf("%s: the program is %s", arch, got)
		}
		other := qemu{map[string]string{"amd64": "arm64", "arm64": "amd64"}[arch]}
		if q.platform() == other.platform() {
			t.Errorf("%s has the machine of the other", arch)
		}
	}
	if got := (qemu{runtime.GOARCH}).platform(); got.machine == "" || got.emulated == "" {
		t.Errorf("this machine's guests run on %+v", got)
	}
}
