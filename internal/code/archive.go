package code

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"lambent.dev/lambent/internal/lambda"
)

// entry is one checked file, folder or link of a package.
type entry struct {
	path string      // relative, clean, slashes
	kind fs.FileMode // 0, fs.ModeDir or fs.ModeSymlink
	exec bool
	file *zip.File
}

// isLink reports a symbolic link.
func (e entry) isLink() bool { return e.kind == fs.ModeSymlink }

// archive is a package whose directory has been checked. Its content has not.
type archive struct {
	entries []entry
}

// open reads and checks a zip's directory: names, kinds, sizes, overlaps. Errors are
// *lambda.Error with AWS's text and the reason as cause.
func open(r io.ReaderAt, size int64) (*archive, error) {
	if size == 0 {
		return nil, errEmpty()
	}
	guard := &directoryGuard{r: r}
	zr, err := zip.NewReader(guard, size)
	guard.done = true
	// Names are judged here, whatever the process sets zipinsecurepath to.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, errUnzip().WithCause(fmt.Errorf("reading the zip's directory: %w", err))
	}
	if len(zr.File) == 0 {
		return nil, errEmpty()
	}
	return check(zr.File, size)
}

func check(files []*zip.File, size int64) (*archive, error) {
	if err := checkTotal(files); err != nil {
		return nil, err
	}
	if err := checkOverlap(files, size); err != nil {
		return nil, errUnzip().WithCause(err)
	}
	a := &archive{}
	nodes := tree{}
	for _, f := range files {
		e, err := newEntry(f)
		if err == nil && e.path != "" {
			err = nodes.add(e.path, e.kind)
		}
		if err != nil {
			return nil, errUnzip().WithCause(fmt.Errorf("entry %.100q: %w", f.Name, err))
		}
		if e.path != "" { // "./", the package's root
			a.entries = append(a.entries, e)
		}
	}
	return a, nil
}

// checkTotal bounds the sizes that the directory declares; reading holds each entry
// to what it declared.
func checkTotal(files []*zip.File) error {
	var total uint64
	for _, f := range files {
		if f.UncompressedSize64 >= lambda.MaxUnzipped {
			return errTooLarge()
		}
		if total += f.UncompressedSize64; total >= lambda.MaxUnzipped {
			return errTooLarge()
		}
	}
	return nil
}

// localHeader is the least size of the header before an entry's data (APPNOTE 4.3.7).
const localHeader = 30

type span struct{ from, to int64 }

// checkOverlap refuses entries that share bytes: a small zip could name one stream
// of compressed data thousands of times (D. Fifield, "A better zip bomb", 2019).
func checkOverlap(files []*zip.File, size int64) error {
	spans := make([]span, 0, len(files))
	for _, f := range files {
		at, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("entry %.100q: %w", f.Name, err)
		}
		if f.CompressedSize64 > uint64(size-at) {
			return fmt.Errorf("entry %.100q: ends after the zip", f.Name)
		}
		spans = append(spans, span{at - localHeader, at + int64(f.CompressedSize64)})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return errors.New("entries overlap")
		}
	}
	return nil
}

const (
	flagEncrypted = 0x1    // APPNOTE 4.4.4, bit 0
	flagStrong    = 0x40   // bit 6
	flagMasked    = 0x2000 // bit 13
)

func newEntry(f *zip.File) (entry, error) {
	name, err := cleanPath(f.Name)
	if err != nil {
		return entry{}, err
	}
	e := entry{path: name, kind: f.Mode().Type(), exec: f.Mode().Perm()&0o111 != 0, file: f}
	switch {
	case f.Flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		return entry{}, errors.New("is encrypted")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return entry{}, fmt.Errorf("compression method %d", f.Method)
	case f.Method == zip.Store && f.CompressedSize64 != f.UncompressedSize64:
		return entry{}, errors.New("stored with two sizes")
	case e.kind == fs.ModeDir && f.UncompressedSize64 != 0:
		return entry{}, errors.New("folder with content")
	case e.kind != 0 && e.kind != fs.ModeDir && e.kind != fs.ModeSymlink:
		return entry{}, fmt.Errorf("special file %v", e.kind)
	case e.kind != fs.ModeDir && name == "":
		return entry{}, errors.New("has no name")
	}
	return e, nil
}

// walk reads every entry in order: folders and files as they come, then links, so
// that nothing is ever written through one. All content is read and held to its
// declared size and checksum.
func (a *archive) walk(visit func(e entry, content io.Reader) error) error {
	for _, links := range []bool{false, true} {
		for _, e := range a.entries {
			if e.isLink() != links {
				continue
			}
			if err := e.read(visit); err != nil {
				return fmt.Errorf("entry %.100q: %w", e.path, err)
			}
		}
	}
	return nil
}

func (e entry) read(visit func(entry, io.Reader) error) error {
	if e.kind == fs.ModeDir {
		return visit(e, bytes.NewReader(nil))
	}
	content, err := e.file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	// archive/zip refuses the byte after the declared size; the bound is a second belt.
	return visit(e, io.LimitReader(content, int64(e.file.UncompressedSize64)+1))
}

// target reads and checks where a link leads.
func (e entry) target(content io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(content, maxTarget+1))
	if err != nil {
		return "", err
	}
	return string(b), checkTarget(e.path, string(b))
}

// directoryGuard bounds the entries that archive/zip reads into memory: it counts
// signatures of directory headers as they pass, because the number in the zip's
// trailer is only a claim.
type directoryGuard struct {
	r    io.ReaderAt
	seen int
	done bool // the directory has been read; the rest is content
}

const (
	directorySignature = "PK\x01\x02" // APPNOTE 4.3.12
	// The trailer's search reads up to 66 KiB of the directory twice more.
	maxSignatures = maxNodes + 4_096
)

func (g *directoryGuard) ReadAt(p []byte, off int64) (int, error) {
	n, err := g.r.ReadAt(p, off)
	if g.done {
		return n, err
	}
	g.seen += bytes.Count(p[:n], []byte(directorySignature))
	if g.seen > maxSignatures {
		return 0, errTooMany
	}
	return n, err
}
