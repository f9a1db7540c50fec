package code

import (
	"errors"
	"io/fs"
	"path"
)

// tree is every path of a package and what it is, so that no entry can take
// another's place: a file that is also a folder, a folder that is also a link.
type tree map[string]fs.FileMode

var (
	errDuplicate = errors.New("two entries have the same path")
	errTooMany   = errors.New("too many files and folders")
)

// add puts an entry into the tree, with the folders that its path implies. Only
// folders may be named twice.
func (t tree) add(name string, kind fs.FileMode) error {
	if err := t.addParents(name); err != nil {
		return err
	}
	if have, ok := t[name]; ok && (kind != fs.ModeDir || have != fs.ModeDir) {
		return errDuplicate
	}
	return t.put(name, kind)
}

func (t tree) addParents(name string) error {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		have, ok := t[dir]
		if ok && have != fs.ModeDir {
			return errDuplicate
		}
		if ok {
			return nil // its own parents are there already
		}
		if err := t.put(dir, fs.ModeDir); err != nil {
			return err
		}
	}
	return nil
}

func (t tree) put(name string, kind fs.FileMode) error {
	t[name] = kind
	if len(t) > maxNodes {
		return errTooMany
	}
	return nil
}
