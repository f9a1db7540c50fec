package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// magic begins every segment; its last byte is the format.
const magic = "lambent\x01"

const (
	folderMode = 0o700 // logs may hold secrets
	fileMode   = 0o600
)

// scanner reads the records of one segment.
type scanner struct {
	r      *bufio.Reader
	offset int64 // of the next record
	body   []byte
}

// newScanner reads a segment from its beginning.
func newScanner(r io.Reader) (*scanner, error) {
	s := &scanner{r: bufio.NewReaderSize(r, 64<<10)}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(s.r, head); err != nil {
		return s, torn(err)
	}
	if !bytes.Equal(head, []byte(magic)) {
		return s, fmt.Errorf("not a segment of a log: %w", errDamaged)
	}
	s.offset = int64(len(magic))
	return s, nil
}

// resume reads a segment from a position between two records. A position behind the end
// reads as the end: it is a caller's, and no file system takes a seek to any number.
func resume(f io.ReaderAt, offset int64) (*scanner, error) {
	if offset < int64(len(magic)) {
		return newScanner(io.NewSectionReader(f, 0, math.MaxInt64))
	}
	rest := io.NewSectionReader(f, offset, math.MaxInt64-offset)
	return &scanner{r: bufio.NewReaderSize(rest, 64<<10), offset: offset}, nil
}

// next returns the next record; its line is valid until the next call. At the end it
// returns io.EOF, errTorn where the segment ends within a record, and errDamaged where
// what stands there is none.
func (s *scanner) next() (Record, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return Record{}, io.EOF
		}
		return Record{}, torn(err)
	}
	n, err := bodyLength(head[:])
	if err != nil {
		return Record{}, err
	}
	if cap(s.body) < n {
		s.body = make([]byte, n)
	}
	if _, err := io.ReadFull(s.r, s.body[:n]); err != nil {
		return Record{}, torn(err)
	}
	r, err := decodeBody(head[:], s.body[:n])
	if err == nil {
		s.offset += int64(frameHead + n)
	}
	return r, err
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

// end reads a segment through and returns where its last whole record ends, and io.EOF,
// errTorn or errDamaged for what comes there.
func end(r io.Reader) (int64, error) {
	s, err := newScanner(r)
	for err == nil {
		_, err = s.next()
	}
	return s.offset, err
}

// appender writes one segment. It holds the segment's lock (flock(2)): a second process
// on the same folder, as during an upgrade, writes to another.
type appender struct {
	name  string
	file  *os.File
	size  int64 // bytes up to the end of the last whole record
	dirty bool  // written since the last sync
}

// errTaken says that a segment is not to be appended to.
var errTaken = errors.New("segment is locked or damaged")

// reopen continues a segment: a cut record at its end is cut off, damage is left alone.
func reopen(root *os.Root, name string) (*appender, error) {
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	a, err := adopt(name, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return a, nil
}

func adopt(name string, f *os.File) (*appender, error) {
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil, errTaken
	}
	size, err := end(f)
	switch {
	case errors.Is(err, errDamaged):
		return nil, errTaken
	case errors.Is(err, errTorn):
		if err := f.Truncate(size); err != nil {
			return nil, err
		}
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	a := &appender{name: name, file: f, size: size}
	return a, a.begin()
}

func newSegment(root *os.Root, name string) (*appender, error) {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	a := &appender{name: name, file: f}
	lockErr := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err := errors.Join(os.NewSyscallError("flock", lockErr), a.begin()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return a, nil
}

// begin writes the magic number of an empty segment.
func (a *appender) begin() error {
	if a.size > 0 {
		return nil
	}
	return a.write([]byte(magic))
}

// write appends whole frames, or nothing: what a full disk took of them is cut off again.
func (a *appender) write(frames []byte) error {
	if _, err := a.file.WriteAt(frames, a.size); err != nil {
		return errors.Join(err, a.file.Truncate(a.size))
	}
	a.size += int64(len(frames))
	a.dirty = true
	return nil
}

func (a *appender) sync() error {
	if !a.dirty {
		return nil
	}
	a.dirty = false
	return a.file.Sync()
}

func (a *appender) close() error { return a.file.Close() }
