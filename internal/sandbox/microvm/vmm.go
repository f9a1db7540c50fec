package microvm

import (
	"context"
	"net"
	"os"
)

// vmm is a virtual machine monitor that can be started.
type vmm interface {
	// program is what is executed, in the jail, and its arguments without the name. Descriptors
	// that it inherits, from 3 on, are added to files; links is the driver's end of them.
	boot(h hardware, files *inheritance) (program string, args []string, err error)
	restore(h hardware, s *snapshot, files *inheritance) (program string, args []string, err error)
	// open speaks to a monitor that was started: a restored guest runs when it returns.
	open(ctx context.Context, control *net.UnixConn, s *snapshot) (machine, error)
}

// machine is a guest that a monitor runs.
type machine interface {
	// attach puts an image behind a drive that the guest does not use now.
	attach(ctx context.Context, drive string, image *os.File) error
	pause(ctx context.Context) error
	resume(ctx context.Context) error
	// save writes the state of the devices of a paused guest.
	save(ctx context.Context, state *os.File) error
	close() error
}

// hardware is what a guest is made of.
type hardware struct {
	memory int64 // bytes
	cpus   int
	kvm    bool // the processor's virtualisation; false = emulated
	kernel *os.File
	initrd *os.File
	ram    *os.File            // holds the guest's memory
	drives map[string]*os.File // images by the devices' names
	tap    *os.File            // frames of the network device; nil = there is no such device
}

// inheritance are files that a program gets as descriptors from 3 on.
type inheritance struct{ files []*os.File }

// add returns the number under which the program finds f.
func (i *inheritance) add(f *os.File) int {
	i.files = append(i.files, f)
	return len(i.files) + 2
}
