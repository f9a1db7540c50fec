package microvm

import (
	"errors"
	"os"
	"path/filepath"

	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// snapshot is a guest that was paused: any number of guests go on from it.
type snapshot struct {
	ram   *os.File
	state *os.File // of devices and processors
	named bool     // both have names in a file system; else they are memory
	use   *os.File // its entry in the cache is not collected meanwhile; nil for one that is not there

	unfinished bool // of one with names: they are not those of a snapshot yet
}

// settle makes that nobody can write to a snapshot any more, when its monitor has ended: memory is
// sealed, files are root's.
func (s *snapshot) settle() error {
	if !s.named {
		return errors.Join(seal(s.ram), seal(s.state))
	}
	return errors.Join(s.ram.Chown(0, monitorID), s.ram.Chmod(0o440), s.state.Chown(0, monitorID), s.state.Chmod(0o440))
}

func (s *snapshot) openState() (*os.File, error) { return reopen(s.state) }

func (s *snapshot) close() error {
	closeFiles(s.use)
	err := errors.Join(s.ram.Close(), s.state.Close())
	if s.unfinished {
		return errors.Join(err, os.Remove(s.ram.Name()), os.Remove(s.state.Name()))
	}
	return err
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

// store gives a snapshot its name: the files of it, or such that are written now, when they are whole.
func (s *snapshot) store(path string) (err error) {
	for _, part := range []struct {
		name string
		from *os.File
	}{{path + ".state", s.state}, {path + ".ram", s.ram}} {
		if err := s.storeFile(part.name, part.from); err != nil {
			return err
		}
	}
	s.unfinished = false
	return nil
}

func (s *snapshot) storeFile(path string, from *os.File) error {
	if s.named {
		return os.Rename(from.Name(), path)
	}
	return storeFile(path, from)
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

// loadSnapshot opens one that was stored, or reads it into memory.
func loadSnapshot(path string, named bool) (_ *snapshot, err error) {
	s := &snapshot{named: named}
	defer func() {
		if err != nil {
			closeFiles(s.ram, s.state)
		}
	}()
	if s.ram, err = loadFile(path+".ram", "lambent-ram", named); err != nil {
		return nil, err
	}
	if s.state, err = loadFile(path+".state", "lambent-state", named); err != nil {
		return nil, err
	}
	return s, nil
}

func loadFile(path, name string, named bool) (*os.File, error) {
	from, err := os.Open(path)
	if err != nil || named {
		return from, err
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
