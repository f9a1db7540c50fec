package stage

import (
	"errors"
	"fmt"
	"os"

	"lambent.dev/lambent/internal/kernel/cgroup"
)

// Within runs f on the calling thread, a stage's, in a group: on cgroup v1 what it starts is
// born there. On v2 that is clone(2)'s to do.
func Within(host *cgroup.Host, g *cgroup.Group, f func() error) (err error) {
	home, err := host.Home()
	if err != nil {
		return err
	}
	defer closeFiles(home)
	doors, err := g.ThreadDoors()
	if err != nil {
		return err
	}
	defer closeFiles(doors)
	defer func() { err = errors.Join(err, pass(home)) }()
	if err := pass(doors); err != nil {
		return err
	}
	return f()
}

// pass moves the calling thread through the doors of control groups.
func pass(doors []*os.File) error {
	for _, door := range doors {
		if _, err := door.WriteString("0"); err != nil {
			return fmt.Errorf("entering a control group: %w", err)
		}
	}
	return nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
