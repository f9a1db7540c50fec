package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// finish makes the box what is told apart: after it, this guest is no copy of others.
func (g *guest) finish(s *agentproto.Setup) error {
	if s.Guest == nil {
		return errors.New("a guest was not told how to finish")
	}
	g.setID = s.Guest.SetUID
	for _, step := range []func(*agentproto.Setup) error{setID, showResolver, mask, readOnly} {
		if err := step(s); err != nil {
			return err
		}
	}
	var err error
	if g.launch, err = startLauncher(g.groups, s.Guest); err != nil || s.Guest.Fresh == nil {
		return err
	}
	return g.wake(*s.Guest.Fresh)
}

// wake is what only a guest that goes on from a snapshot can do: it has a /tmp, and differs from
// its siblings.
func (g *guest) wake(f agentproto.Fresh) error {
	if g.awake {
		return errors.New("the guest is awake")
	}
	g.awake = true
	if g.vsock != nil {
		g.vsock.settle()
	}
	return errors.Join(refresh(f), g.mountTmp(), openNetwork(f.Network))
}

// refresh sets the clock and the random numbers.
func refresh(f agentproto.Fresh) error {
	return errors.Join(setClock(f.Time), seed(f.Seed))
}

func setClock(nanoseconds int64) error {
	now := unix.NsecToTimespec(nanoseconds)
	return os.NewSyscallError("clock_settime", unix.ClockSettime(unix.CLOCK_REALTIME, &now))
}

// Requests of random(4).
const (
	addEntropy   = 0x40085203 // RNDADDENTROPY
	reseedKernel = 0x5207     // RNDRESEEDCRNG
)

// seed adds to the kernel's random numbers and has it use that at once: two guests restored
// from the same memory would draw the same.
func seed(bytes []byte) error {
	if len(bytes) == 0 {
		return errors.New("a guest was given no seed")
	}
	f, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	pool := make([]uint32, 2+(len(bytes)+3)/4) // struct rand_pool_info
	pool[0], pool[1] = uint32(8*len(bytes)), uint32(len(bytes))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&pool[2])), 4*(len(pool)-2)), bytes)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), addEntropy, uintptr(unsafe.Pointer(&pool[0]))); errno != 0 {
		return os.NewSyscallError("ioctl RNDADDENTROPY", errno)
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), reseedKernel, 0); errno != 0 {
		return os.NewSyscallError("ioctl RNDRESEEDCRNG", errno)
	}
	return nil
}

func (g *guest) mountTmp() error {
	flags := uintptr(unix.MS_NODEV)
	if !g.setID {
		flags |= unix.MS_NOSUID
	}
	if err := g.flush("tmp"); err != nil {
		return err
	}
	if err := g.mountDevice("tmp", "/tmp", "ext4", flags, "nobarrier,noinit_itable"); err != nil {
		return err
	}
	return os.Chmod("/tmp", 0o1777)
}

// flush forgets what the kernel read of a device, whose content the host has changed.
func (g *guest) flush(name string) error {
	device := g.devices[name]
	if device == nil {
		return fmt.Errorf("there is no device %q", name)
	}
	return os.NewSyscallError("ioctl BLKFLSBUF", unix.IoctlSetInt(int(device.Fd()), unix.BLKFLSBUF, 0))
}

// setID lets set-id bits of the root work, where that is asked for.
func setID(s *agentproto.Setup) error {
	if !s.Guest.SetUID {
		return nil
	}
	return os.NewSyscallError("mount", unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NODEV, ""))
}

// mask covers paths with nothing.
func mask(s *agentproto.Setup) error {
	for _, path := range s.Guest.Masked {
		if err := cover(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func cover(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return mountOver("none", path, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
	}
	return mountOver(emptyFile, path, "", unix.MS_BIND)
}

func mountOver(source, path, kind string, flags uintptr) error {
	if err := unix.Mount(source, path, kind, flags, ""); err != nil {
		return &os.PathError{Op: "mount", Path: path, Err: err}
	}
	return nil
}

func readOnly(s *agentproto.Setup) error {
	for _, path := range s.Guest.ReadOnly {
		if err := mountOver(path, path, "", unix.MS_BIND|unix.MS_REC); err != nil {
			return err
		}
		if err := mountOver("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC); err != nil {
			return err
		}
	}
	return nil
}

// bind mounts the function's folders, which the host has put behind devices.
func (g *guest) bind(_ *box, m *agentproto.Bind) error {
	if m.Fresh != nil {
		if err := refresh(*m.Fresh); err != nil {
			return err
		}
	}
	if err := g.show(m.Targets, m.Names); err != nil {
		return err
	}
	return g.groups.limit(m)
}

// show mounts what the host has put behind devices.
func (g *guest) show(targets, names []string) error {
	for i, target := range targets {
		if err := g.flush(names[i]); err != nil {
			return err
		}
		flags := uintptr(unix.MS_RDONLY | unix.MS_NODEV)
		if !g.setID {
			flags |= unix.MS_NOSUID
		}
		if err := g.mountDevice(names[i], target, "erofs", flags, ""); err != nil {
			return err
		}
	}
	return nil
}
