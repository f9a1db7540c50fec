package code

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// FuzzUnpack holds that no zip changes anything outside its folder, leaves nothing
// but plain files, folders and links that stay inside, or exceeds the limits; and
// that what Check accepts can be unpacked.
func FuzzUnpack(f *testing.F) {
	for _, h := range hostileZips() {
		if b := h.zip(f); len(b) < 64<<10 {
			f.Add(b)
		}
	}
	for _, items := range goodZips() {
		f.Add(makeZip(f, items...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		base := t.TempDir()
		if err := os.WriteFile(filepath.Join(base, "out"), []byte("outside"), 0o600); err != nil {
			t.Fatal(err)
		}
		inside := filepath.Join(base, "in")
		accepted := Check(bytes.NewReader(b), int64(len(b))) == nil
		err := unpackFuzzed(t, b, inside)
		if accepted && err != nil {
			t.Errorf("Check accepts what cannot be unpacked: %v", err)
		}
		checkOutside(t, base)
		checkInside(t, inside)
	})
}

func unpackFuzzed(t *testing.T, b []byte, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	a, err := open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	return a.walk(writer(t.Context(), root))
}

func checkOutside(t *testing.T, base string) {
	body, err := os.ReadFile(filepath.Join(base, "out"))
	entries, _ := os.ReadDir(base)
	if err != nil || string(body) != "outside" || len(entries) != 2 {
		t.Fatalf("something outside changed: %v, %q, %v", err, body, entries)
	}
}

func checkInside(t *testing.T, dir string) {
	var size, nodes int64
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		nodes++
		switch mode := info.Mode(); {
		case mode.IsRegular():
			size += info.Size()
			fallthrough
		case mode.IsDir():
			if mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 || mode.Perm()&0o022 != 0 {
				t.Errorf("%s: mode %v", name, mode)
			}
		case mode.Type() == fs.ModeSymlink:
			if real, err := filepath.EvalSymlinks(name); err == nil && real != dir && !strings.HasPrefix(real, dir+"/") {
				t.Errorf("link %s leads to %s", name, real)
			}
		default:
			t.Errorf("%s: special file %v", name, mode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if size >= lambda.MaxUnzipped || nodes > maxNodes+1 {
		t.Errorf("%d bytes in %d files and folders", size, nodes)
	}
}
