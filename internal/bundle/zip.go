package bundle

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// epoch is the time of every file: the earliest that a zip can hold. With it, the same
// sources give the same bytes.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func zipFiles(files []file) ([]byte, error) {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: epoch}
		h.SetMode(0o644)
		if f.executable {
			h.SetMode(0o755)
		}
		entry, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func checkSize(zipped []byte) error {
	if len(zipped) > lambda.MaxZipped {
		return fmt.Errorf("the package is %d MB zipped, more than the %d MB that a request can carry: leave out what does not run",
			len(zipped)/1_000_000, lambda.MaxZipped/1_000_000)
	}
	return nil
}

// fromZip takes a zip as it is and guesses by the names of its files.
func fromZip(path string, o Options) (*Package, error) {
	text, err := readZip(path)
	if err != nil {
		return nil, err
	}
	p := &Package{Runtime: o.Runtime, Handler: o.Handler, Zip: text}
	if p.Runtime != "" && p.Handler != "" {
		return p, nil
	}
	r, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, fmt.Errorf("it is not a zip: %w: name one, or the folder that it should hold", err)
	}
	return p, p.guessFrom(r, o)
}

func readZip(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > lambda.MaxZipped {
		return nil, fmt.Errorf("it is %d MB, more than the %d MB that a request can carry", info.Size()/1_000_000, lambda.MaxZipped/1_000_000)
	}
	return os.ReadFile(path)
}

// guessFrom unpacks the sources at the top of a zip to look at them as at a folder.
func (p *Package) guessFrom(r *zip.Reader, o Options) error {
	dir, err := os.MkdirTemp("", "lambent-zip-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := unpackSources(r, dir); err != nil {
		return err
	}
	s, err := understand(dir, true, o)
	if err != nil {
		return fmt.Errorf("runtime and handler cannot be told from its files: name them with --runtime and --handler")
	}
	if s.language == typescript || s.language == golang {
		return fmt.Errorf("it holds %s source, which must be built: deploy the folder instead", s.language.name)
	}
	p.Runtime, p.Handler, p.Guessed = s.runtime, s.handler, s.guessed
	return nil
}

// maxSource is the most bytes of a source that is looked at.
const maxSource = 1 << 20

// unpackSources writes the small files at the top of a zip into dir.
func unpackSources(r *zip.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range r.File {
		if strings.ContainsAny(f.Name, `/\`) || f.UncompressedSize64 > maxSource && f.Name != bootstrap || !f.Mode().IsRegular() {
			continue
		}
		if err := unpackOne(root, f); err != nil {
			return err
		}
	}
	return nil
}
