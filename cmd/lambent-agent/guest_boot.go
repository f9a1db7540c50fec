package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/agent/wire"
)

const (
	// deviceLimit bounds how long a device may take to appear.
	deviceLimit = 30 * time.Second
	newRoot     = "/root"
)

// bootGuest makes a machine of what the kernel started: the agent, in a small file system in
// memory (an initramfs), with modules for the devices.
func bootGuest() (*guest, error) {
	g := &guest{devices: make(map[string]*os.File)}
	for _, step := range []func() error{mountKernels, g.readWords, raiseLoopback, loadModules, withoutIPv6, g.openDevices, g.openGroups, g.openPort, g.mountRoot} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("booting: %w", err)
		}
	}
	return g, nil
}

// mountAt makes a folder and mounts a file system on it.
func mountAt(source, path, kind string, flags uintptr, options string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, path, kind, flags, options); err != nil {
		return &os.PathError{Op: "mount", Path: path, Err: err}
	}
	return nil
}

func mountKernels() error {
	return errors.Join(mountAt("proc", "/proc", "proc", 0, ""), mountAt("sys", "/sys", "sysfs", 0, ""), mountAt("dev", "/dev", "devtmpfs", 0, ""))
}

// loadModules loads those that the image lists, in its order.
func loadModules() error {
	list, err := os.Open(agentproto.Modules + "/order")
	if err != nil {
		return err
	}
	defer list.Close()
	for lines := bufio.NewScanner(list); lines.Scan(); {
		if err := loadModule(filepath.Join(agentproto.Modules, lines.Text())); err != nil {
			return err
		}
	}
	return os.RemoveAll(agentproto.Modules) // it is memory
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return &os.PathError{Op: "load", Path: path, Err: err}
	}
	return nil
}

// await calls found until it says yes.
func await(what string, found func() bool) error {
	for end := time.Now().Add(deviceLimit); !found(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s did not appear", what)
		}
	}
	return nil
}

// readWords reads the kernel's command line.
func (g *guest) readWords() error {
	line, err := os.ReadFile("/proc/cmdline")
	g.words = strings.Fields(string(line))
	return err
}

// word returns what follows a word of the command line.
func (g *guest) word(prefix string) (string, bool) {
	for _, word := range g.words {
		if value, is := strings.CutPrefix(word, prefix); is {
			return value, true
		}
	}
	return "", false
}

// openDevices opens the block devices that the host named, or of which it said the order.
func (g *guest) openDevices() error {
	if order, is := g.word(agentproto.DrivesWord); is {
		return g.openInOrder(strings.Split(order, ","))
	}
	for _, name := range agentproto.Devices() {
		if err := await("the device "+name, func() bool { return g.openDevice(name) }); err != nil {
			return err
		}
	}
	return nil
}

// openInOrder opens devices that have no serial numbers of ours: the kernel names them in the
// order in which the monitor was told of them.
func (g *guest) openInOrder(names []string) error {
	const most = 'z' - 'a' + 1
	if len(names) > most {
		return fmt.Errorf("%d drives are more than %d", len(names), most)
	}
	for i, name := range names {
		path := "/dev/vd" + string(rune('a'+i))
		err := await(path, func() bool {
			f, err := os.Open(path)
			g.devices[name] = f
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openDevice finds a block device by its serial number, which is its name.
func (g *guest) openDevice(name string) bool {
	serials, _ := filepath.Glob("/sys/block/*/serial") // the pattern is good
	for _, path := range serials {
		serial, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(serial)) != name {
			continue
		}
		f, err := os.OpenFile("/dev/"+filepath.Base(filepath.Dir(path)), os.O_RDONLY, 0)
		if err != nil {
			return false
		}
		g.devices[name] = f
		return true
	}
	return false
}

// openPort opens the way to the host: a serial port, or vsock where the host says so.
func (g *guest) openPort() error {
	if number, is := g.word(agentproto.VsockWord); is {
		return g.listenVsock(number)
	}
	var port *os.File
	err := await("the port "+agentproto.Port, func() (found bool) {
		var err error
		port, err = os.OpenFile(agentproto.Port, os.O_RDWR, 0)
		return err == nil
	})
	if err != nil {
		return err
	}
	g.wire = wire.Guest(port)
	return nil
}

// mountRoot makes the base's image the root, with what every box has.
func (g *guest) mountRoot() error {
	if err := g.mountDevice("base", newRoot, "erofs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return err
	}
	for _, step := range []func() error{mountProc, mountDev, enterRoot} {
		if err := step(); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile("/proc/sys/kernel/hostname", []byte(agentproto.Hostname), 0),
		// Programs reserve more than they use. The limit is their control group's.
		os.WriteFile("/proc/sys/vm/overcommit_memory", []byte("1"), 0),
	)
}

// raiseLoopback makes the machine's own addresses work.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	return raise(fd, "lo")
}

// mountDevice mounts a device, which need not have a name any more.
func (g *guest) mountDevice(name, path, kind string, flags uintptr, options string) error {
	device := g.devices[name]
	if device == nil {
		return fmt.Errorf("there is no device %q", name)
	}
	source := fmt.Sprintf("/proc/self/fd/%d", device.Fd())
	if err := unix.Mount(source, path, kind, flags, options); err != nil {
		return &os.PathError{Op: "mount", Path: path, Err: err}
	}
	return nil
}

func mountProc() error {
	return mountAt("proc", newRoot+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
}

// nodes are the devices that a function may use (Documentation/admin-guide/devices.txt).
var nodes = map[string]uint64{
	"null": unix.Mkdev(1, 3), "zero": unix.Mkdev(1, 5), "full": unix.Mkdev(1, 7), "random": unix.Mkdev(1, 8),
	"urandom": unix.Mkdev(1, 9), "tty": unix.Mkdev(5, 0),
}

// descriptorLinks are what programs expect in /dev beside devices.
var descriptorLinks = map[string]string{
	"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
}

func mountDev() error {
	dev := newRoot + "/dev"
	if err := mountAt("dev", dev, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755,size=64k"); err != nil {
		return err
	}
	if err := os.Mkdir(dev+"/shm", 0o755); err != nil {
		return err
	}
	for name, number := range nodes {
		if err := unix.Mknod(dev+"/"+name, unix.S_IFCHR|0o666, int(number)); err != nil {
			return &fs.PathError{Op: "mknod", Path: name, Err: err}
		}
		if err := os.Chmod(dev+"/"+name, 0o666); err != nil { // whatever the umask is
			return err
		}
	}
	for name, target := range descriptorLinks {
		if err := os.Symlink(target, dev+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// enterRoot moves the new root over the old one, as switch_root(8) does.
func enterRoot() error {
	if err := os.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	if err := unix.Chroot("."); err != nil {
		return os.NewSyscallError("chroot", err)
	}
	return os.Chdir("/")
}
