package microvm

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// shelved makes what a set becomes for Firecracker, as it would be if nobody had asked for it for long.
func shelved(t *testing.T, s *shelf, key string) (base string) {
	t.Helper()
	for _, name := range []string{key + ".vmlinux", key + imageSuffix} {
		path, err := s.file(name, func(w *os.File) error { _, err := io.WriteString(w, name); return err })
		if err != nil {
			t.Fatal(err)
		}
		base = path
	}
	for _, name := range []string{".vmlinux", imageSuffix, ".vmlinux.lock", imageSuffix + ".lock"} {
		old(t, filepath.Join(s.dir, key+name))
	}
	return base
}

func old(t *testing.T, path string) {
	t.Helper()
	then := time.Now().Add(-2 * kept().Unused)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// What guests in Firecracker boot from is kept while a template has it or asked for it lately, and
// goes with all that belongs to it.
func TestImagesOfAMonitorAreCollected(t *testing.T) {
	d := choosing(t, Firecracker, true, true)
	chosen, err := d.monitorFor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := chosen.(*firecrackerVMM)
	used, asked, left := shelved(t, v.shelf, "used"), shelved(t, v.shelf, "asked"), shelved(t, v.shelf, "left")
	root, err := (&template{driver: d, vmm: v, images: image.Set{Base: used}}).openBase()
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	old(t, used)
	if _, err := v.shelf.file(filepath.Base(asked), nil); err != nil {
		t.Fatal(err)
	}
	if err := d.collect(); err != nil {
		t.Fatal(err)
	}
	for path, stays := range map[string]bool{used: true, asked: true, left: false} {
		if _, err := os.Stat(path); stays != (err == nil) {
			t.Errorf("%s: %v, stays %v", path, err, stays)
		}
	}
	if gone, err := filepath.Glob(filepath.Join(v.shelf.dir, "left*")); len(gone) > 0 || err != nil {
		t.Errorf("%v stay, %v", gone, err)
	}
	if err := errors.Join(root.Close(), d.collect()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(used); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what nobody uses any more stays: %v", err)
	}
}
