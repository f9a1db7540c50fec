package image

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// archive writes a cpio archive of the format newc (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst). Times and owners are 0, so the
// same entries are the same bytes.
type archive struct {
	w     io.Writer
	inode int
	err   error // the first; nothing is written after it
}

// Kinds of entries (inode(7)).
const (
	folderMode  = 0o040755
	fileMode    = 0o100644
	programFile = 0o100755
	deviceMode  = 0o020600
)

func (a *archive) folder(name string) { a.entry(name, folderMode, 0, 0, nil) }

func (a *archive) file(name string, mode int, content []byte) { a.entry(name, mode, 0, 0, content) }

func (a *archive) device(name string, major, minor int) { a.entry(name, deviceMode, major, minor, nil) }

// copy adds a file of the host.
func (a *archive) copy(name string, mode int, path string) {
	content, err := os.ReadFile(path)
	if err != nil && a.err == nil {
		a.err = err
	}
	a.file(name, mode, content)
}

func (a *archive) entry(name string, mode, major, minor int, content []byte) {
	a.inode++
	head := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.inode, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(name)+1, 0)
	a.write([]byte(head + name + "\x00"))
	a.write(content)
}

// write pads to a multiple of four bytes.
func (a *archive) write(b []byte) {
	if a.err != nil {
		return
	}
	var padded bytes.Buffer
	padded.Write(b)
	padded.Write(make([]byte, -len(b)&3))
	_, a.err = a.w.Write(padded.Bytes())
}

// end writes what ends an archive.
func (a *archive) end() error {
	a.inode = -1
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	return a.err
}
