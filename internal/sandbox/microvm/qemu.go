package microvm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// qemu is QEMU, with KVM or emulating the processor.
type qemu struct {
	arch string // of guests, as Go names it
}

// kernelLine is every guest's: see platform for what an emulated processor adds.
const kernelLine = "quiet reboot=t panic=-1 cryptomgr.notests lsm= audit=0 random.trust_cpu=on " +
	"8250.nr_uarts=0 swiotlb=noforce nowatchdog nosoftlockup raid=noautodetect"

// identity implements vmm.
func (q qemu) identity() (string, error) { return identityOf(image.QEMU(q.arch)) }

// identityOf changes with a program.
func identityOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(path, info.Size(), info.ModTime().UnixNano()), nil
}

// images implements vmm.
func (qemu) images(set image.Set) (image.Set, error) { return set, nil }

// modules implements vmm.
func (qemu) modules() []string { return nil }

// named implements vmm.
func (qemu) named() bool { return false }

// boot are the arguments of a guest that boots.
func (q qemu) boot(h hardware, files *inheritance) []string {
	args := q.args(h, files, "on")
	line := kernelLine + keepsFree(h.memory)
	if !h.kvm {
		line += q.platform().emulatedLine
	}
	return append(args, "-kernel", inherited(files, h.kernel), "-initrd", inherited(files, h.initrd), "-append", line)
}

// restore are those of a guest that goes on.
func (q qemu) restore(h hardware, files *inheritance) []string {
	return append(q.args(h, files, "off"), "-incoming", "defer")
}

// inherited is a path by which a program opens a file that it inherits.
func inherited(files *inheritance, f *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d", files.add(f))
}

// args are what booting and restoring have in common. The driver's sockets are the first
// descriptors that it inherits: see monitorFD and portFD.
func (q qemu) args(h hardware, files *inheritance, share string) []string {
	args := []string{
		"-M", q.platform().machine + ",memory-backend=ram",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-m", fmt.Sprintf("size=%dM", h.memory>>20), "-smp", fmt.Sprint(h.cpus),
		"-object", fmt.Sprintf("memory-backend-file,id=ram,size=%dM,share=%s,mem-path=%s", h.memory>>20, share, inherited(files, h.ram)),
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"-rtc", "base=utc,clock=vm",
		"-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", monitorFD), "-mon", "chardev=monitor,mode=control",
		"-chardev", fmt.Sprintf("socket,id=port,fd=%d", portFD),
		"-device", "virtio-serial-pci,max_ports=2", "-device", "virtserialport,nr=1,chardev=port",
		"-device", "virtio-rng-pci,rng=entropy", "-object", "rng-builtin,id=entropy",
	}
	args = append(args, q.accelerator(h)...)
	for _, name := range agentproto.Devices() {
		args = append(args, drive(name, h.drives[name], files)...)
	}
	return append(args, networkDevice(h, files)...)
}

func (q qemu) accelerator(h hardware) []string {
	if h.kvm {
		return []string{"-accel", "kvm", "-cpu", "host"}
	}
	return []string{"-accel", "tcg,tb-size=32", "-cpu", q.platform().emulated}
}

// guestMAC is every guest's: each is the one station on a wire of its own, and those that go on
// from one snapshot have had theirs since it booted.
const guestMAC = "02:6c:61:6d:62:65"

// controlless are what a guest asks a device beside frames. Linux wants all of it gone or none.
const controlless = ",ctrl_vq=off,ctrl_rx=off,ctrl_rx_extra=off,ctrl_vlan=off,ctrl_mac_addr=off,ctrl_guest_offloads=off"

// networkDevice leaves out all by which a guest and the host's kernel would share work on packets.
func networkDevice(h hardware, files *inheritance) []string {
	if h.link == nil {
		return nil
	}
	return []string{
		"-netdev", fmt.Sprintf("tap,id=outside,fd=%d", files.add(h.link.Tap)),
		"-device", "virtio-net-pci,netdev=outside,romfile=,mq=off,guest_announce=off,mac=" + guestMAC + controlless,
	}
}

// drive shows an image. Only /tmp can be written.
func drive(name string, image *os.File, files *inheritance) []string {
	fd := files.add(image)
	readOnly := "on"
	if name == "tmp" {
		readOnly = "off"
	}
	return []string{
		"-add-fd", fmt.Sprintf("fd=%d,set=%d", fd, fd),
		"-blockdev", fmt.Sprintf("file,node-name=%s-file,filename=/dev/fdset/%d,read-only=%s,locking=off,cache.no-flush=on", name, fd, readOnly),
		"-blockdev", fmt.Sprintf("raw,node-name=%s,file=%s-file,read-only=%s", name, name, readOnly),
		"-device", fmt.Sprintf("virtio-blk-pci,drive=%s,serial=%s", name, name),
	}
}

// qemuMachine is a guest in QEMU.
type qemuMachine struct {
	qmp    *qmp
	ram    *os.File          // holds the guest's memory
	opened int               // images that were attached
	nodes  map[string]string // of the file behind a drive, once another was attached
}

// ignoreShared has migration leave out memory that lies in a file.
func (m *qemuMachine) ignoreShared(ctx context.Context) error {
	_, err := m.qmp.do(ctx, "migrate-set-capabilities", map[string]any{
		"capabilities": []map[string]any{{"capability": "x-ignore-shared", "state": true}},
	})
	return err
}

// load brings a guest to the state that save wrote, and lets it run.
func (m *qemuMachine) load(ctx context.Context, s *snapshot) error {
	if err := m.ignoreShared(ctx); err != nil {
		return err
	}
	state, err := s.openState()
	if err != nil {
		return err
	}
	defer func() { _ = state.Close() }()
	if err := m.give(ctx, "state", state); err != nil {
		return err
	}
	if _, err := m.qmp.do(ctx, "migrate-incoming", map[string]any{"uri": "fd:state"}); err != nil {
		return err
	}
	if err := m.await(ctx, "query-migrate", "completed", "failed"); err != nil {
		return err
	}
	return m.resume(ctx)
}

// give hands QEMU a file under a name.
func (m *qemuMachine) give(ctx context.Context, name string, f *os.File) error {
	_, err := m.qmp.do(ctx, "getfd", map[string]any{"fdname": name}, f)
	return err
}

// statusPause is how long it waits between two questions.
const statusPause = time.Millisecond

// await asks for a status until it is good or bad.
func (m *qemuMachine) await(ctx context.Context, question, good, bad string) error {
	for {
		var answer struct{ Status, Error string }
		if err := m.qmp.ask(ctx, &answer, question); err != nil {
			return err
		}
		switch answer.Status {
		case good:
			return nil
		case bad:
			return fmt.Errorf("QEMU: %s: %s %s", question, answer.Status, answer.Error)
		}
		select {
		case <-time.After(statusPause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// attach implements machine.
func (m *qemuMachine) attach(ctx context.Context, drive string, image *os.File) error {
	m.opened++
	var added struct {
		Set int `json:"fdset-id"`
	}
	raw, err := m.qmp.do(ctx, "add-fd", nil, image)
	if err == nil {
		err = decode(raw, &added)
	}
	if err != nil {
		return err
	}
	file := fmt.Sprintf("%s-file-%d", drive, m.opened)
	_, err = m.qmp.do(ctx, "blockdev-add", map[string]any{
		"driver": "file", "node-name": file, "filename": fmt.Sprintf("/dev/fdset/%d", added.Set), "read-only": true, "locking": "off",
	})
	if err != nil {
		return err
	}
	_, err = m.qmp.do(ctx, "blockdev-reopen", map[string]any{
		"options": []map[string]any{{"driver": "raw", "node-name": drive, "file": file, "read-only": true}},
	})
	if err != nil {
		return err
	}
	was := m.nodes[drive]
	m.nodes[drive] = file
	_, err = m.qmp.do(ctx, "blockdev-del", map[string]any{"node-name": cmp.Or(was, drive+"-file")})
	return err
}

func (m *qemuMachine) pause(ctx context.Context) error {
	_, err := m.qmp.do(ctx, "stop", nil)
	return err
}

func (m *qemuMachine) resume(ctx context.Context) error {
	_, err := m.qmp.do(ctx, "cont", nil)
	return err
}

// save implements machine.
func (m *qemuMachine) save(ctx context.Context) (_ *snapshot, err error) {
	s := &snapshot{ram: m.ram}
	if s.state, err = memoryFile("lambent-state"); err != nil {
		return nil, err
	}
	if err := m.write(ctx, s.state); err != nil {
		return nil, errors.Join(err, s.state.Close())
	}
	return s, nil
}

// write writes the state of the devices.
func (m *qemuMachine) write(ctx context.Context, state *os.File) error {
	if err := m.ignoreShared(ctx); err != nil {
		return err
	}
	if err := m.give(ctx, "state", state); err != nil {
		return err
	}
	if _, err := m.qmp.do(ctx, "migrate", map[string]any{"uri": "fd:state"}); err != nil {
		return err
	}
	return m.await(ctx, "query-migrate", "completed", "failed")
}

func (m *qemuMachine) close() error { return m.qmp.close() }
