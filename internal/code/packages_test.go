package code

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// blobs keeps zips in memory and counts how often one is opened.
type blobs struct {
	mu    sync.Mutex
	zips  map[string][]byte // guarded by mu
	opens atomic.Int32
	wait  chan struct{} // Open waits until it is closed; nil: does not wait
}

type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

func (b *blobs) Open(ctx context.Context, digest string) (io.ReadSeekCloser, error) {
	b.opens.Add(1)
	if b.wait != nil {
		<-b.wait
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	z, ok := b.zips[digest]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return blob{bytes.NewReader(z)}, nil
}

func (b *blobs) put(z []byte) (digest string) {
	sum := sha256.Sum256(z)
	digest = hex.EncodeToString(sum[:])
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.zips == nil {
		b.zips = map[string][]byte{}
	}
	b.zips[digest] = z
	return digest
}

func newPackages(t testing.TB, b *blobs) *Packages {
	t.Helper()
	p, err := New(filepath.Join(t.TempDir(), "code"), b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// list describes a folder: kind, mode and link's target or content by path.
func list(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		out[rel] = info.Mode().String()
		if info.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(name)
			out[rel] = "link " + target
			return err
		}
		if info.Mode().IsRegular() {
			body, err := os.ReadFile(name)
			out[rel] += " " + string(body)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFolderHoldsThePackage(t *testing.T) {
	old := syscall.Umask(0o077) // a daemon's umask must not hide code from functions
	defer syscall.Umask(old)
	b := &blobs{}
	digest := b.put(makeZip(t,
		item{name: "bin/", mode: fs.ModeDir | fs.ModeSetgid | 0o2700},
		item{name: "bin/run", body: "#!", mode: fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | 0o700},
		item{name: "closed.py", body: "c", mode: 0o200},
		item{name: "windows.py", body: "w"},
		item{name: "deep/er/x", body: "d", mode: 0o777},
		link("deep/bin", "../bin/run"),
	))
	dir, err := newPackages(t, b).Folder(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		".": "drwxr-xr-x", "bin": "drwxr-xr-x", "bin/run": "-rwxr-xr-x #!", "closed.py": "-rw-r--r-- c",
		"windows.py": "-rw-r--r-- w", "deep": "drwxr-xr-x", "deep/er": "drwxr-xr-x", "deep/er/x": "-rwxr-xr-x d",
		"deep/bin": "link ../bin/run",
	}
	if diff := cmp.Diff(want, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestFolderKeepsModificationTimes(t *testing.T) {
	b := &blobs{}
	z := makeZip(t, file("a.py"))
	z = patch(t, z, 0, 12, 0x00, 0x60, 0x21, 0x54) // 2022-01-01 12:00:00, MS-DOS
	dir, err := newPackages(t, b).Folder(t.Context(), b.put(z))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "a.py"))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2022, 1, 1, 12, 0, 0, 0, time.UTC); !info.ModTime().Equal(want) {
		t.Errorf("modification time %v, want %v", info.ModTime().UTC(), want)
	}
}

func TestFolderUnpacksRealZips(t *testing.T) {
	for name, items := range goodZips() {
		t.Run(name, func(t *testing.T) {
			b := &blobs{}
			if _, err := newPackages(t, b).Folder(t.Context(), b.put(makeZip(t, items...))); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestFolderRefusesHostileZips(t *testing.T) {
	for _, tt := range hostileZips() {
		t.Run(tt.name, func(t *testing.T) {
			b := &blobs{}
			p := newPackages(t, b)
			if _, err := p.Folder(t.Context(), b.put(tt.zip(t))); err == nil {
				t.Error("unpacked")
			}
			above := filepath.Dir(p.dir)
			if got := list(t, above); len(got) != 2 { // "." and "code"
				t.Errorf("left behind: %v", got)
			}
		})
	}
}

func TestFolderUnpacksOnce(t *testing.T) {
	b := &blobs{wait: make(chan struct{})}
	p := newPackages(t, b)
	digest := b.put(makeZip(t, file("a")))
	impatient, leave := context.WithCancelCause(t.Context())
	errLeft := errors.New("left")
	first := make(chan error, 1)
	go func() { _, err := p.Folder(impatient, digest); first <- err }()
	for b.opens.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	leave(errLeft)
	if err := <-first; !errors.Is(err, errLeft) {
		t.Fatalf("the caller who left got %v", err)
	}
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if _, err := p.Folder(t.Context(), digest); err != nil {
				t.Error(err)
			}
		})
	}
	close(b.wait)
	callers.Wait()
	if n := b.opens.Load(); n != 1 {
		t.Errorf("the zip was opened %d times", n)
	}
}

func TestFolderRefusesWhatIsNoDigest(t *testing.T) {
	p := newPackages(t, &blobs{})
	for _, digest := range []string{
		"", "..", "../../etc", "abc", string(make([]byte, 64)),
		"AF" + hex.EncodeToString(make([]byte, 31)),
	} {
		if _, err := p.Folder(t.Context(), digest); err == nil {
			t.Errorf("Folder(%q) succeeded", digest)
		}
		if _, err := p.DeleteOlder(t.Context(), digest, time.Now()); err == nil {
			t.Errorf("DeleteOlder(%q) succeeded", digest)
		}
	}
}

func TestFolderOfMissingBlob(t *testing.T) {
	p := newPackages(t, &blobs{})
	if _, err := p.Folder(t.Context(), hex.EncodeToString(make([]byte, 32))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Folder = %v", err)
	}
}

func TestNewSweepsWhatACrashLeft(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	kept, err := p.Folder(t.Context(), b.put(makeZip(t, file("a"))))
	if err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(p.dir, unfinished+"1")
	if err := os.MkdirAll(filepath.Join(crashed, "new/half"), 0o755); err != nil {
		t.Fatal(err)
	}
	busy, unlock, err := p.temp() // as another living process has it
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := New(p.dir, b); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(crashed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the crash's folder is still there: %v", err)
	}
	for _, dir := range []string{kept, busy} {
		if _, err := os.Lstat(dir); err != nil {
			t.Error(err)
		}
	}
}
