package move

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A file is a zip: functions/NAME.json for each function, code/SHA256.zip for each package
// and layer.
const (
	functionsFolder = "functions/"
	codeFolder      = "code/"
)

// maxDescription bounds the JSON of one function, in bytes.
const maxDescription = 16 << 20

func codeName(sha string) (string, error) {
	sum, err := base64.StdEncoding.DecodeString(sha)
	if err != nil {
		return "", fmt.Errorf("%q is no SHA-256: %w", sha, err)
	}
	return codeFolder + hex.EncodeToString(sum) + ".zip", nil
}

// Write writes functions to a new file that only its owner can read: environment variables
// are in it. Nothing is left of it after an error; a file that is there stays.
func Write(ctx context.Context, to string, from Source, names []string) (err error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: name another file", to)
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".lambent-*") // created with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = errors.Join(writeAll(ctx, f, from, names), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}

func writeAll(ctx context.Context, out io.Writer, from Source, names []string) error {
	w, written := zip.NewWriter(out), map[string]bool{}
	for _, name := range names {
		if err := writeOne(ctx, w, written, from, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return w.Close()
}

func writeOne(ctx context.Context, w *zip.Writer, written map[string]bool, from Source, name string) error {
	f, err := from.Function(ctx, name)
	if err != nil {
		return err
	}
	for i := range f.Versions {
		v := &f.Versions[i]
		fetch := func() ([]byte, error) { return from.Code(ctx, name, v) }
		if err := writeCode(w, written, v.SHA256, fetch); err != nil {
			return err
		}
	}
	for i := range f.Layers {
		l := &f.Layers[i]
		fetch := func() ([]byte, error) { return from.Layer(ctx, l) }
		if err := writeCode(w, written, l.SHA256, fetch); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return add(w, functionsFolder+name+".json", zip.Deflate, text)
}

// writeCode writes a package once, however many versions have it.
func writeCode(w *zip.Writer, written map[string]bool, sha string, fetch func() ([]byte, error)) error {
	entry, err := codeName(sha)
	if err != nil || written[entry] {
		return err
	}
	code, err := fetch()
	if err != nil {
		return err
	}
	written[entry] = true
	return add(w, entry, zip.Store, code) // it is compressed already
}

func add(w *zip.Writer, name string, method uint16, content []byte) error {
	entry, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	if err != nil {
		return err
	}
	_, err = entry.Write(content)
	return err
}

// File is a Source that Write has written. Close it after use.
type File struct{ zip *zip.ReadCloser }

// Open opens a file.
func Open(name string) (*File, error) {
	r, err := zip.OpenReader(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s: name one that `lambent backup` wrote", name)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w: is it what `lambent backup` wrote?", name, err)
	}
	return &File{r}, nil
}

// Close closes the file.
func (f *File) Close() error { return f.zip.Close() }

// Names implements Source.
func (f *File) Names(context.Context) (names []string, err error) {
	for _, entry := range f.zip.File {
		if name, ok := strings.CutPrefix(entry.Name, functionsFolder); ok {
			names = append(names, strings.TrimSuffix(name, ".json"))
		}
	}
	return names, nil
}

// Function implements Source.
func (f *File) Function(_ context.Context, name string) (*Function, error) {
	text, err := f.read(functionsFolder+name+".json", maxDescription)
	if err != nil {
		return nil, err
	}
	var fn Function
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&fn); err != nil {
		return nil, fmt.Errorf("reading the description: %w", err)
	}
	if fn.Name != name {
		return nil, fmt.Errorf("its description is of %q", fn.Name)
	}
	return &fn, nil
}

// Code implements Source.
func (f *File) Code(_ context.Context, _ string, v *Version) ([]byte, error) {
	code, err := f.content(v.SHA256)
	if err != nil {
		return nil, err
	}
	return code, v.check(code)
}

// Layer implements Source.
func (f *File) Layer(_ context.Context, l *Layer) ([]byte, error) {
	content, err := f.content(l.SHA256)
	if err != nil {
		return nil, err
	}
	return content, l.check(content)
}

func (f *File) content(sha string) ([]byte, error) {
	name, err := codeName(sha)
	if err != nil {
		return nil, err
	}
	return f.read(name, 0)
}

// read reads an entry of at most so many bytes; 0 is the most that a package may have.
func (f *File) read(name string, most int64) ([]byte, error) {
	entry, err := f.zip.Open(path.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("the file has no %s: %w", name, err)
	}
	defer entry.Close()
	if most == 0 {
		return readAtMost(entry)
	}
	text, err := io.ReadAll(io.LimitReader(entry, most))
	return text, err
}
