package file_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/blob/file"
)

// childDir makes the test binary a process that hangs in the middle of a Put.
const childDir = "LAMBENT_TEST_PUT_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, putHalf(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestPutAndOpen(t *testing.T) {
	s, dir := open(t)
	content := bytes.Repeat([]byte("lambent "), 100_000)
	info, err := s.Put(t.Context(), bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if want := blob.InfoOf(sha256.Sum256(content), int64(len(content))); info != want {
		t.Errorf("info = %+v, want %+v", info, want)
	}
	wantContent(t, s, info, content)
	path := filepath.Join(dir, "blobs", info.Digest[:2], info.Digest[2:4], info.Digest)
	if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("stat = %v, %v, want mode 600", stat, err)
	}
	wantNoTemp(t, dir)
}

// The figures are what `sha256sum` says of an empty file.
func TestEmptyBlob(t *testing.T) {
	s, _ := open(t)
	info, err := s.Put(t.Context(), strings.NewReader(""), 0)
	want := blob.Info{
		Digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		SHA256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	}
	if err != nil || info != want {
		t.Errorf("info = %+v, %v, want %+v", info, err, want)
	}
}

func TestReaderSeeksAndReadsAt(t *testing.T) {
	s, _ := open(t)
	r, err := s.Open(t.Context(), put(t, s, "0123456789").Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	part := make([]byte, 3)
	if _, err := r.ReadAt(part, 7); err != nil || string(part) != "789" {
		t.Errorf("ReadAt = %q, %v", part, err)
	}
	if _, err := r.Seek(-2, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "89" || r.Size() != 10 {
		t.Errorf("rest = %q, %v, size %d", rest, err, r.Size())
	}
}

func TestPutTwice(t *testing.T) {
	s, dir := open(t)
	first, second := put(t, s, "same"), put(t, s, "same")
	if first != second {
		t.Errorf("%+v, then %+v", first, second)
	}
	wantContent(t, s, first, []byte("same"))
	wantNoTemp(t, dir)
}

func TestConcurrentPuts(t *testing.T) {
	s, dir := open(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if _, err := s.Put(t.Context(), strings.NewReader(fmt.Sprint(i%2)), 1); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, content := range []string{"0", "1"} {
		wantContent(t, s, blob.InfoOf(sha256.Sum256([]byte(content)), 1), []byte(content))
	}
	wantNoTemp(t, dir)
}

func TestRefusedPutsLeaveNothing(t *testing.T) {
	broken := errors.New("connection lost")
	left, leave := context.WithCancelCause(t.Context())
	gone := errors.New("the caller left")
	leave(gone)
	for name, c := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		want error
	}{
		"too large": {t.Context(), strings.NewReader("12345"), blob.ErrTooLarge},
		"broken":    {t.Context(), io.MultiReader(strings.NewReader("12"), failing{broken}), broken},
		"cancelled": {left, strings.NewReader("12"), gone},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := open(t)
			if _, err := s.Put(c.ctx, c.r, 4); !errors.Is(err, c.want) {
				t.Errorf("err = %v, want %v", err, c.want)
			}
			if files := filesIn(t, dir); len(files) != 0 {
				t.Errorf("left behind: %v", files)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

var hostileDigests = []string{
	"", ".", "..", "../../../etc/passwd", "/etc/passwd",
	strings.Repeat("a", 63), strings.Repeat("a", 65), strings.Repeat("A", 64), strings.Repeat("g", 64),
	strings.Repeat("a", 63) + "\x00", strings.Repeat("a", 63) + "/", strings.Repeat("../", 21) + "a",
	"aaaa/" + strings.Repeat("a", 59), strings.Repeat("ａ", 64), strings.Repeat("%2e", 21) + "a",
}

func TestHostileDigests(t *testing.T) {
	s, _ := open(t)
	for _, digest := range hostileDigests {
		_, openErr := s.Open(t.Context(), digest)
		for call, err := range map[string]error{"Open": openErr, "Verify": s.Verify(t.Context(), digest), "Delete": s.Delete(t.Context(), digest)} {
			if !errors.Is(err, blob.ErrBadDigest) {
				t.Errorf("%s(%q): err = %v, want ErrBadDigest", call, digest, err)
			}
		}
	}
}

// A link that somebody planted must not lead out of the store.
func TestPlantedLink(t *testing.T) {
	s, dir := open(t)
	info := put(t, s, "secret")
	outside := t.TempDir()
	first := filepath.Join(dir, "blobs", info.Digest[:2])
	if err := errors.Join(os.RemoveAll(first), os.Symlink(outside, first)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), strings.NewReader("secret"), 10); err == nil {
		t.Error("a blob was stored through the link")
	}
	if files := filesIn(t, outside); len(files) != 0 {
		t.Errorf("outside there are now %v", files)
	}
}

func TestNotFound(t *testing.T) {
	s, _ := open(t)
	none := strings.Repeat("0", 64)
	if _, err := s.Open(t.Context(), none); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open: err = %v, want ErrNotFound", err)
	}
	if err := s.Verify(t.Context(), none); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Verify: err = %v, want ErrNotFound", err)
	}
	if err := s.Delete(t.Context(), none); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func TestDeleteKeepsOpenReaders(t *testing.T) {
	s, _ := open(t)
	info := put(t, s, "short life")
	r, err := s.Open(t.Context(), info.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Delete(t.Context(), info.Digest); err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(r); err != nil || string(content) != "short life" {
		t.Errorf("content = %q, %v", content, err)
	}
	if _, err := s.Open(t.Context(), info.Digest); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
}

func TestVerifyAndHeal(t *testing.T) {
	s, dir := open(t)
	info := put(t, s, "as it was")
	path := filepath.Join(dir, "blobs", info.Digest[:2], info.Digest[2:4], info.Digest)
	if err := os.WriteFile(path, []byte("as it is!"), 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), info.Digest); !errors.Is(err, blob.ErrDamaged) {
		t.Errorf("err = %v, want ErrDamaged", err)
	}
	put(t, s, "as it was")
	if err := s.Verify(t.Context(), info.Digest); err != nil {
		t.Errorf("after storing it again: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("lambent-test", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=256k"); err != nil {
		t.Skipf("this host lets the test mount no small disk (root is needed): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Put(t.Context(), io.LimitReader(zeros{}, 1<<20), 1<<20)
	if !errors.Is(err, blob.ErrFull) || !strings.Contains(fmt.Sprint(err), "free some space") {
		t.Errorf("err = %v, want ErrFull and what to do", err)
	}
	if files := filesIn(t, dir); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
	put(t, s, "small enough")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A process is killed in the middle of a Put. A second one that opens the store
// before that leaves its file alone; one that opens it after sweeps it.
func TestSweepAfterCrash(t *testing.T) {
	s, dir := open(t)
	kept := put(t, s, "kept")
	kill := startPut(t, dir)
	reopen(t, dir)
	if n := len(temps(t, dir)); n != 1 {
		t.Errorf("%d temporary files while one is written, want 1", n)
	}
	kill()
	if n := len(temps(t, dir)); n != 1 {
		t.Errorf("%d temporary files after the crash, want 1: the test shows nothing", n)
	}
	reopen(t, dir)
	wantNoTemp(t, dir)
	wantContent(t, s, kept, []byte("kept"))
	if files := filesIn(t, filepath.Join(dir, "blobs")); len(files) != 1 {
		t.Errorf("blobs = %v, want only the one that was acknowledged", files)
	}
}

func startPut(t *testing.T, dir string) (kill func()) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len(halfWritten))); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = child.Wait() // it was killed
	}
}

const halfWritten = "half is written\n"

// putHalf hangs once the first half has been read and thus written: io.Copy asks for
// more only then.
func putHalf(dir string) error {
	s, err := file.Open(dir)
	if err != nil {
		return err
	}
	_, err = s.Put(context.Background(), io.MultiReader(strings.NewReader("half"), hanging{}), 100)
	return err
}

type hanging struct{}

func (hanging) Read([]byte) (int, error) {
	fmt.Print(halfWritten)
	_, err := io.Copy(io.Discard, os.NewFile(pipeEnd(), "never"))
	return 0, err
}

// pipeEnd returns the reading end of a pipe to which nobody ever writes.
func pipeEnd() uintptr {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		panic(err)
	}
	return uintptr(ends[0])
}

func open(t *testing.T) (*file.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	return reopen(t, dir), dir
}

func reopen(t *testing.T, dir string) *file.Store {
	t.Helper()
	s, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, s *file.Store, content string) blob.Info {
	t.Helper()
	info, err := s.Put(t.Context(), strings.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func wantContent(t *testing.T, s *file.Store, info blob.Info, want []byte) {
	t.Helper()
	r, err := s.Open(t.Context(), info.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) || r.Size() != info.Size {
		t.Errorf("%d bytes, size %d, %v, want %d bytes", len(got), r.Size(), err, len(want))
	}
	if err := s.Verify(t.Context(), info.Digest); err != nil {
		t.Error(err)
	}
}

func wantNoTemp(t *testing.T, dir string) {
	t.Helper()
	if left := temps(t, dir); len(left) != 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

func temps(t *testing.T, dir string) []string { return filesIn(t, filepath.Join(dir, "tmp")) }

func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
