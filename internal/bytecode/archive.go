package bytecode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

const (
	magic      = "LBC1"
	maxPath    = 1_024    // bytes; package code unpacks no longer ones
	maxFile    = 16 << 20 // bytes of one record's bytecode
	maxTotal   = 256 << 20
	headerSize = 6
)

// errMalformed is wrapped by what is wrong with an archive. One that ends early is
// io.ErrUnexpectedEOF instead.
var errMalformed = errors.New("malformed answer of the compiler")

// record is one compiled source, or one file of a cache.
type record struct {
	path string // of the source, or of a file of a cache; relative, slashes
	code []byte
}

// archive reads the compiler's answer.
type archive struct {
	r     *bufio.Reader
	begun bool
	left  int // bytes that bytecode may still have
}

func newArchive(r io.Reader) *archive { return &archive{r: bufio.NewReader(r), left: maxTotal} }

// next returns one record after the other, then io.EOF.
func (a *archive) next() (record, error) {
	if err := a.begin(); err != nil {
		return record{}, err
	}
	path, size, err := a.header()
	if err != nil {
		return record{}, err
	}
	if path == 0 && size == 0 {
		return record{}, io.EOF
	}
	if err := a.checkSizes(path, size); err != nil {
		return record{}, err
	}
	return a.record(path, size)
}

func (a *archive) begin() error {
	if a.begun {
		return nil
	}
	a.begun = true
	found, err := a.read(len(magic))
	if err == nil && string(found) != magic {
		return fmt.Errorf("%w: it begins with %q", errMalformed, found)
	}
	return err
}

func (a *archive) header() (path, size int, err error) {
	head, err := a.read(headerSize)
	if err != nil {
		return 0, 0, err
	}
	return int(binary.BigEndian.Uint16(head)), int(binary.BigEndian.Uint32(head[2:])), nil
}

func (a *archive) checkSizes(path, size int) error {
	switch {
	case path == 0 || path > maxPath:
		return fmt.Errorf("%w: a path of %d bytes", errMalformed, path)
	case size == 0 || size > maxFile:
		return fmt.Errorf("%w: bytecode of %d bytes, at most %d", errMalformed, size, maxFile)
	case size > a.left:
		return fmt.Errorf("%w: more than %d bytes together", errMalformed, maxTotal)
	}
	a.left -= size
	return nil
}

func (a *archive) record(path, size int) (record, error) {
	name, err := a.read(path)
	if err != nil {
		return record{}, err
	}
	if err := checkPath(string(name)); err != nil {
		return record{}, err
	}
	code, err := a.read(size)
	return record{string(name), code}, err
}

// checkPath accepts paths below a folder, in one spelling.
func checkPath(name string) error {
	if !fs.ValidPath(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%w: path %.100q", errMalformed, name)
	}
	return nil
}

// read takes n bytes. Memory grows with what arrives, not with what was declared.
func (a *archive) read(n int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(a.r, int64(n)))
	if err == nil && len(b) < n {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}
