package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	loopControl = "/dev/loop-control"
	// attachTries bounds how often a free device is looked for: between asking for
	// its number and taking it somebody else may take it.
	attachTries = 100
)

// attach puts an image behind a free loop device, with direct I/O where the image's
// file system has it. The device frees itself when its last user is gone.
func attach(ctx context.Context, image *os.File) (*os.File, error) {
	for try := range attachTries {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		device, err := tryAttach(image)
		if !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENXIO) {
			return device, err
		}
		time.Sleep(time.Duration(min(try, 10)) * 100 * time.Microsecond)
	}
	return nil, errors.New("attaching a loop device: every one was taken by somebody else")
}

// tryAttach answers EBUSY, or ENXIO when the device was removed, if the race for
// the device was lost.
func tryAttach(image *os.File) (*os.File, error) {
	name, err := freeDevice()
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	device := os.NewFile(uintptr(fd), name)
	if err := configure(fd, image); err != nil {
		_ = device.Close()
		return nil, fmt.Errorf("attaching %s: %w", name, err)
	}
	return device, nil
}

func freeDevice() (string, error) {
	control, err := unix.Open(loopControl, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &os.PathError{Op: "open", Path: loopControl, Err: err}
	}
	defer func() { _ = unix.Close(control) }()
	number, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return "", fmt.Errorf("asking for a free loop device: %w", err)
	}
	return "/dev/loop" + strconv.Itoa(number), nil
}

func configure(device int, image *os.File) error {
	config := unix.LoopConfig{
		Fd:   uint32(image.Fd()),
		Size: blockSize,
		Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO},
	}
	return unix.IoctlLoopConfigure(device, &config)
}
