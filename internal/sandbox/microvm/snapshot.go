package microvm

import (
	"errors"
	"os"
	"path/filepath"

	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// snapshot is a guest that was paused: any number of guests go on from it.
type snapshot struct {
	ram   *os.File // sealed
	state *os.File // of devices and processors, sealed
	use   *os.File // its entry in the cache is not collected meanwhile; nil for one that is not there
}

func (s *snapshot) openState() (*os.File, error) { return reopen(s.state) }

func (s *snapshot) close() error {
	closeFiles(s.use)
	return errors.Join(s.ram.Close(), s.state.Close())
}

// hold says that it is in use.
func (s *snapshot) hold(path string) (_ *snapshot, err error) {
	if s.use, err = image.Use(path+usedSuffix, os.O_CREATE|os.O_RDWR); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// usedSuffix ends the name of the file by which a snapshot is told to be in use.
const usedSuffix = ".use"

// store writes a snapshot to files, which get their names when they are whole.
func (s *snapshot) store(path string) (err error) {
	for name, from := range map[string]*os.File{path + ".state": s.state, path + ".ram": s.ram} {
		if err := storeFile(name, from); err != nil {
			return err
		}
	}
	return nil
}

func storeFile(path string, from *os.File) (err error) {
	to, err := os.CreateTemp(filepath.Dir(path), "unfinished-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := copySparse(to, from); err != nil {
		return errors.Join(err, os.Remove(to.Name()))
	}
	return os.Rename(to.Name(), path)
}

// loadSnapshot reads one that was stored into memory.
func loadSnapshot(path string) (_ *snapshot, err error) {
	s := &snapshot{}
	defer func() {
		if err != nil {
			closeFiles(s.ram, s.state)
		}
	}()
	if s.ram, err = loadFile(path+".ram", "lambent-ram"); err != nil {
		return nil, err
	}
	if s.state, err = loadFile(path+".state", "lambent-state"); err != nil {
		return nil, err
	}
	return s, nil
}

func loadFile(path, name string) (*os.File, error) {
	from, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }()
	to, err := memoryFile(name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(copySparse(to, from), seal(to)); err != nil {
		return nil, errors.Join(err, to.Close())
	}
	return to, nil
}
