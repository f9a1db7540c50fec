package microvm

import (
	"context"
	"io"
	"os"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// vmm is a virtual machine monitor that can be started.
type vmm interface {
	// identity changes with the program: what one saved is not another's.
	identity() (string, error)
	// images are those that its guests boot from, made of a set where they are not part of it.
	images(set image.Set) (image.Set, error)
	// modules are those of the kernel that only its guests need.
	modules() []string
	// named says whether it opens what it uses by names: then images and snapshots lie in files, else in
	// memory, and a tap is the device of a namespace, else a file.
	named() bool
	// prepare makes a monitor ready to be started, of a guest that goes on from a snapshot, or
	// without one boots.
	prepare(id string, h hardware, s *snapshot) (monitor, error)
}

// monitor is the monitor of one guest.
type monitor interface {
	command() command
	// started closes what only the program keeps, or nobody if it did not start.
	started()
	// port is where the guest's agent speaks. It may be connected no sooner than open returns.
	port() io.ReadWriteCloser
	// open speaks to a monitor that was started: the guest runs when it returns.
	open(ctx context.Context) (machine, error)
	// close frees what it has on the host, after the program's end.
	close() error
}

// command is a program that is executed.
type command struct {
	program string
	args    []string   // without the name
	files   []*os.File // descriptors from 3 on
	network *os.File   // the namespace that it is in; nil = the driver's, which is empty
	jails   bool       // it confines itself; else the driver does
}

// machine is a guest that a monitor runs.
type machine interface {
	// attach puts an image behind a drive that the guest does not use now.
	attach(ctx context.Context, drive string, image *os.File) error
	pause(ctx context.Context) error
	resume(ctx context.Context) error
	// save keeps a paused guest: its memory and the state of its devices. The caller settles it
	// when the monitor has ended.
	save(ctx context.Context) (*snapshot, error)
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
	link   *egress.Link        // of the network device; nil = there is no such device
}

// inheritance are files that a program gets as descriptors from 3 on.
type inheritance struct{ files []*os.File }

// add returns the number under which the program finds f.
func (i *inheritance) add(f *os.File) int {
	i.files = append(i.files, f)
	return len(i.files) + 2
}
