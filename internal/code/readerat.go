package code

import (
	"fmt"
	"io"
)

// readerAt returns a blob as what archive/zip needs, and its size.
func readerAt(blob io.ReadSeeker) (io.ReaderAt, int64, error) {
	size, err := blob.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, fmt.Errorf("measuring the package: %w", err)
	}
	if r, ok := blob.(io.ReaderAt); ok {
		return r, size, nil
	}
	return &seeker{blob}, size, nil
}

// seeker reads at offsets by seeking. It belongs to one goroutine, as an unpacking
// does.
type seeker struct{ r io.ReadSeeker }

// ReadAt implements io.ReaderAt for one caller at a time.
func (s *seeker) ReadAt(p []byte, off int64) (int, error) {
	if _, err := s.r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(s.r, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
