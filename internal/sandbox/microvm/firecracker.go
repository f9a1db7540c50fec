package microvm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// firecrackerVMM is Firecracker in its jailer, with KVM. It opens all that it uses by names in its
// jail, so images, snapshots and the kernel are files that are linked into it.
type firecrackerVMM struct {
	programs firecracker.Programs
	jails    string // folder of jails
	shelf    *shelf
}

// firecrackerLine is the kernel's command line. A guest has no serial port and no names of drives;
// it ends by its keyboard's controller, which is there for that (Firecracker's docs/api_requests/actions.md).
const firecrackerLine = "quiet reboot=k panic=-1 cryptomgr.notests lsm= audit=0 random.trust_cpu=on 8250.nr_uarts=0 swiotlb=noforce nowatchdog " +
	"nosoftlockup raid=noautodetect i8042.noaux i8042.nomux i8042.dumbkbd"

// vsockPort is where the agent of a guest listens.
const vsockPort = 1024

// bootLine is firecrackerLine with what only the agent reads.
func bootLine() string {
	return fmt.Sprintf("%s %s%d %s%s", firecrackerLine, agentproto.VsockWord, vsockPort, agentproto.DrivesWord, strings.Join(agentproto.Devices(), ","))
}

// identity implements vmm.
func (v *firecrackerVMM) identity() (string, error) {
	program, err := identityOf(v.programs.Firecracker)
	return program + bootLine(), err
}

// images implements vmm: the kernel unpacked, and a base that the monitor's group may read.
func (v *firecrackerVMM) images(set image.Set) (_ image.Set, err error) {
	kernel := set.Kernel
	if set.Kernel, err = v.shelf.file(set.Key+".vmlinux", func(w *os.File) error { return image.Vmlinux(w, kernel) }); err != nil {
		return set, err
	}
	base := set.Base
	set.Base, err = v.shelf.file(set.Key+imageSuffix, func(w *os.File) error {
		from, err := os.Open(base)
		if err != nil {
			return err
		}
		defer func() { _ = from.Close() }()
		return copySparse(w, from)
	})
	return set, err
}

// modules implements vmm.
func (v *firecrackerVMM) modules() []string { return image.FirecrackerModules() }

// named implements vmm.
func (v *firecrackerVMM) named() bool { return true }

// prepare implements vmm.
func (v *firecrackerVMM) prepare(id string, h hardware, s *snapshot) (_ monitor, err error) {
	jail, err := firecracker.NewJail(v.jails, v.programs.Firecracker, id, monitorID)
	if err != nil {
		return nil, err
	}
	m := &firecrackerMonitor{jail: jail, shelf: v.shelf, hardware: h, snap: s, agent: newLatePort()}
	program, args := jail.Command(v.programs.Jailer)
	m.run = command{program: program, args: args, jails: true}
	if h.link != nil {
		m.run.network = h.link.NS
	}
	m.client = firecracker.New(func(ctx context.Context) (net.Conn, error) {
		return firecracker.DialSocket(ctx, jail.Root(), firecracker.APISocket)
	})
	if err := m.fill(); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// firecrackerMonitor is Firecracker for one guest.
type firecrackerMonitor struct {
	run      command
	jail     *firecracker.Jail
	shelf    *shelf
	client   *firecracker.Client
	hardware hardware
	snap     *snapshot // nil = the guest boots
	agent    *latePort
}

// Names of files in a jail, beside those of the drives.
const (
	kernelFile = "kernel"
	initrdFile = "initrd"
	ramFile    = "memory"
	stateFile  = "state"
)

// fill lays all that the guest is made of into the jail.
func (m *firecrackerMonitor) fill() error {
	for _, name := range agentproto.Devices() {
		show := m.show
		if name == "tmp" {
			show = m.give
		}
		if err := show(m.hardware.drives[name], name); err != nil {
			return err
		}
	}
	if m.snap != nil {
		return errors.Join(m.show(m.snap.ram, ramFile), m.show(m.snap.state, stateFile))
	}
	return errors.Join(m.show(m.hardware.kernel, kernelFile), m.show(m.hardware.initrd, initrdFile))
}

// show lets the program read a file.
func (m *firecrackerMonitor) show(f *os.File, name string) error {
	err := m.jail.Link(f, name)
	if firecracker.CannotLink(err) {
		return m.copy(f, name, false)
	}
	return err
}

// give gives it one of its own, with the same content.
func (m *firecrackerMonitor) give(f *os.File, name string) error { return m.copy(f, name, true) }

func (m *firecrackerMonitor) copy(from *os.File, name string, writable bool) error {
	to, err := m.jail.Make(name, writable)
	if err != nil {
		return err
	}
	return errors.Join(copySparse(to, from), to.Close())
}

func (m *firecrackerMonitor) command() command { return m.run }

// started implements monitor: the program inherits nothing.
func (m *firecrackerMonitor) started() {}

func (m *firecrackerMonitor) port() io.ReadWriteCloser { return m.agent }

// open implements monitor.
func (m *firecrackerMonitor) open(ctx context.Context) (machine, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	if m.hardware.link != nil { // whose tap it has opened
		if err := m.hardware.link.Take(); err != nil {
			return nil, err
		}
	}
	conn, err := firecracker.DialGuest(ctx, m.jail.Root(), firecracker.VsockSocket, vsockPort)
	if err != nil {
		return nil, fmt.Errorf("reaching the guest's agent: %w", err)
	}
	m.agent.connect(conn)
	return &firecrackerMachine{monitor: m}, nil
}

func (m *firecrackerMonitor) begin(ctx context.Context) error {
	if m.snap != nil {
		return m.client.Restore(ctx, firecracker.Snapshot{State: firecracker.Inside(stateFile), Memory: firecracker.Inside(ramFile)})
	}
	return m.client.Boot(ctx, m.machine())
}

// machine describes the guest. Drives are named by their order: see agentproto.DrivesWord.
func (m *firecrackerMonitor) machine() firecracker.Machine {
	f := firecracker.Machine{
		MachineConfig: firecracker.MachineConfig{VCPUs: m.hardware.cpus, MemoryMiB: int(m.hardware.memory >> 20)},
		BootSource:    firecracker.BootSource{Kernel: firecracker.Inside(kernelFile), Initrd: firecracker.Inside(initrdFile), Args: bootLine() + keepsFree(m.hardware.memory)},
		Vsock:         firecracker.Vsock{CID: guestCID, Socket: "/" + firecracker.VsockSocket},
	}
	for _, name := range agentproto.Devices() {
		f.Drives = append(f.Drives, firecracker.Drive{ID: name, ReadOnly: name != "tmp", Path: firecracker.Inside(name)})
	}
	if m.hardware.link != nil {
		f.Interfaces = []firecracker.Interface{{ID: "outside", Tap: egress.TapName, MAC: guestMAC}}
	}
	return f
}

// guestCID is every guest's address in vsock: only its own kernel knows it.
const guestCID = 3

// close implements monitor.
func (m *firecrackerMonitor) close() error { return errors.Join(m.client.Close(), m.jail.Close()) }

// firecrackerMachine is a guest in Firecracker.
type firecrackerMachine struct {
	monitor  *firecrackerMonitor
	attached int // images that were
}

// attach implements machine.
func (m *firecrackerMachine) attach(ctx context.Context, drive string, image *os.File) error {
	m.attached++
	name := fmt.Sprintf("%s-%d", drive, m.attached)
	if err := m.monitor.show(image, name); err != nil {
		return err
	}
	return m.monitor.client.SetDrive(ctx, drive, firecracker.Inside(name))
}

func (m *firecrackerMachine) pause(ctx context.Context) error { return m.monitor.client.Pause(ctx) }

func (m *firecrackerMachine) resume(ctx context.Context) error { return m.monitor.client.Resume(ctx) }

// inflate implements ballooned. Firecracker gives what a balloon gets back to the host, also of
// memory that it mapped from a snapshot (its docs/ballooning.md).
func (m *firecrackerMachine) inflate(ctx context.Context, bytes int64) error {
	return m.monitor.client.SetBalloon(ctx, int(bytes>>20))
}

// save implements machine. The files are made on the shelf, and stay when the jail goes.
func (m *firecrackerMachine) save(ctx context.Context) (_ *snapshot, err error) {
	s := &snapshot{named: true, unfinished: true}
	defer func() {
		if err != nil {
			_, _ = m.monitor.jail.Remove(ramFile), m.monitor.jail.Remove(stateFile) // as far as they came
		}
	}()
	if s.ram, err = m.monitor.lend(ramFile); err != nil {
		return nil, err
	}
	if s.state, err = m.monitor.lend(stateFile); err != nil {
		return nil, errors.Join(err, s.ram.Close(), os.Remove(s.ram.Name()))
	}
	err = m.monitor.client.Save(ctx, firecracker.Snapshot{State: firecracker.Inside(stateFile), Memory: firecracker.Inside(ramFile)})
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// lend lets the program write a file of the shelf's, until snapshot.settle.
func (m *firecrackerMonitor) lend(name string) (*os.File, error) {
	f, err := os.CreateTemp(m.shelf.dir, "unfinished-")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(m.jail.Link(f, name), f.Chmod(0o600), f.Chown(monitorID, monitorID)); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

func (m *firecrackerMachine) close() error { return m.monitor.client.Close() }

// shelf keeps files that are made once for a host, readable by the monitors' group.
type shelf struct{ dir string }

// file returns the path of a file, which is made if it is missing. It counts as used now.
func (s *shelf) file(name string, fill func(*os.File) error) (string, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(s.dir, name)
	unlock, err := lock(path + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	now := time.Now()
	if err := os.Chtimes(path, now, now); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	f, err := os.CreateTemp(s.dir, "unfinished-")
	if err != nil {
		return "", err
	}
	if err := errors.Join(fill(f), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return path, os.Rename(f.Name(), path)
}
