package bytecode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const suffix = ".cpython-312.pyc"

// answer writes what a compiler would, of paths and bytecode in turn.
func answer(pairs ...string) []byte {
	b := []byte(magic)
	for i := 0; i < len(pairs); i += 2 {
		b = binary.BigEndian.AppendUint16(b, uint16(len(pairs[i])))
		b = binary.BigEndian.AppendUint32(b, uint32(len(pairs[i+1])))
		b = append(b, pairs[i]+pairs[i+1]...)
	}
	return append(b, 0, 0, 0, 0, 0, 0)
}

// all reads an archive to its end.
func all(a *archive) ([]record, error) {
	var found []record
	for {
		r, err := a.next()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		found = append(found, r)
	}
}

func TestArchive(t *testing.T) {
	got, err := all(newArchive(bytes.NewReader(answer("a.py", "1", "b/c.py", "22"))))
	if err != nil || len(got) != 2 || got[0].path != "a.py" || got[1].path != "b/c.py" || string(got[1].code) != "22" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestArchiveThatEndsEarlyCountsAsFarAsItCame(t *testing.T) {
	whole := answer("a.py", "1", "b.py", "2")
	for n := range len(whole) {
		got, err := all(newArchive(bytes.NewReader(whole[:n])))
		want := 0
		if n >= len(magic)+6+5 {
			want++
		}
		if n >= len(magic)+2*(6+5) {
			want++
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != want {
			t.Errorf("%d bytes: %d records, %v", n, len(got), err)
		}
	}
}

func TestMalformedArchives(t *testing.T) {
	long := strings.Repeat("a", maxPath) + ".py"
	huge := binary.BigEndian.AppendUint32([]byte(magic+"\x00\x04"), maxFile+1)
	for name, b := range map[string][]byte{
		"another magic":    []byte("LBC2\x00\x00\x00\x00\x00\x00"),
		"absolute":         answer("/etc/a.py", "1"),
		"upwards":          answer("../a.py", "1"),
		"upwards later":    answer("a/../../b.py", "1"),
		"second spelling":  answer("a//b.py", "1"),
		"dot":              answer("./b.py", "1"),
		"NUL":              answer("a\x00.py", "1"),
		"not UTF-8":        answer("a\xff.py", "1"),
		"long path":        answer(long, "1"),
		"no path":          answer("", "1"),
		"no bytecode":      answer("a.py", ""),
		"declares too big": append(huge, "a.py"...),
	} {
		if got, err := all(newArchive(bytes.NewReader(b))); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestArchiveIsBoundedTogether(t *testing.T) {
	a := newArchive(bytes.NewReader(answer("a.py", strings.Repeat("x", 100), "b.py", "y")))
	a.left = 100
	if got, err := all(a); !errors.Is(err, errMalformed) || len(got) != 1 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// hostilePackage is a folder beside one that must not be touched, with traps.
func hostilePackage(t testing.TB) (dir, outside string) {
	t.Helper()
	top := t.TempDir()
	dir, outside = filepath.Join(top, "package"), filepath.Join(top, "outside")
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "pkg"), 0o755), os.MkdirAll(filepath.Join(dir, "linked"), 0o755), os.Mkdir(outside, 0o755),
		os.WriteFile(filepath.Join(dir, "app.py"), nil, 0o644), os.WriteFile(filepath.Join(dir, "pkg/x.py"), nil, 0o644), os.WriteFile(filepath.Join(dir, "data.txt"), nil, 0o644),
		os.WriteFile(filepath.Join(dir, "linked/x.py"), nil, 0o644), os.WriteFile(filepath.Join(outside, "x.py"), []byte("out"), 0o644),
		os.Symlink("../../outside", filepath.Join(dir, "linked", cacheFolder)), // a folder of bytecode that leads out
		os.Symlink("../outside", filepath.Join(dir, "out")),                    // a folder of sources that leads out
		os.Symlink("app.py", filepath.Join(dir, "alias.py")),                   // a source that is none
		os.Mkdir(filepath.Join(dir, cacheFolder), 0o755),
		os.Symlink("../../outside/x.py", filepath.Join(dir, cacheFolder, "app"+suffix)), // bytecode that leads out
	)
	if err != nil {
		t.Fatal(err)
	}
	return dir, outside
}

// putAll places all records of an archive in a folder.
func putAll(dir string, b []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	p, err := newPlace(root, suffix)
	if err != nil {
		return err
	}
	records, failed := all(newArchive(bytes.NewReader(b)))
	for _, r := range records {
		if err := p.put(r); err != nil {
			return err
		}
	}
	return failed
}

func TestPlaceRefusesWhatIsNoSource(t *testing.T) {
	for _, name := range []string{"missing.py", "data.txt", "alias.py", "out/x.py", "linked/" + cacheFolder + "/x.py", cacheFolder + "/app.py"} {
		dir, outside := hostilePackage(t)
		if err := putAll(dir, answer(name, "evil")); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		untouched(t, outside)
	}
	dir, _ := hostilePackage(t)
	if err := putAll(dir, answer("app.py", "1", "app.py", "2")); !errors.Is(err, errMalformed) {
		t.Errorf("twice: %v", err)
	}
}

// Links that a package put where bytecode goes are not followed.
func TestPlaceFollowsNoLinks(t *testing.T) {
	dir, outside := hostilePackage(t)
	if err := putAll(dir, answer("app.py", "1", "linked/x.py", "2", "pkg/x.py", "3")); err != nil {
		t.Fatal(err)
	}
	untouched(t, outside)
	if got, err := os.ReadFile(filepath.Join(dir, "pkg", cacheFolder, "x"+suffix)); string(got) != "3" {
		t.Errorf("bytecode beside the traps: %q, %v", got, err)
	}
}

func untouched(t testing.TB, outside string) {
	t.Helper()
	left, err := os.ReadDir(outside)
	if body, _ := os.ReadFile(filepath.Join(outside, "x.py")); err != nil || len(left) != 1 || string(body) != "out" {
		t.Errorf("outside now has %v, %q, %v", left, body, err)
	}
}

func seed(f *testing.F) {
	for _, b := range [][]byte{
		answer("app.py", "1"), answer("pkg/x.py", "1", "linked/x.py", "2"), answer("out/x.py", "1"), answer("../outside/x.py", "1"),
		answer("app.py", "1")[:12], []byte(magic),
		{},
		answer("alias.py", "1"),
	} {
		f.Add(b)
	}
}

// An archive yields nothing that breaks its rules, and a record only of bytes that came.
func FuzzArchive(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		records, _ := all(newArchive(bytes.NewReader(b)))
		size := len(magic)
		for _, r := range records {
			size += headerSize + len(r.path) + len(r.code)
			if !filepath.IsLocal(r.path) || filepath.Clean(r.path) != r.path || !strings.HasSuffix(r.path, ".py") || len(r.code) == 0 {
				t.Errorf("a record of %q with %d bytes", r.path, len(r.code))
			}
		}
		if len(records) > 0 && size > len(b) {
			t.Errorf("%d bytes make records of %d", len(b), size)
		}
	})
}

// Whatever a sandbox answers, nothing is written outside of the package, and inside only
// bytecode of its sources.
func FuzzPlace(f *testing.F) {
	seed(f)
	allowed := map[string]bool{filepath.Join("pkg", cacheFolder, "x"+suffix): true, filepath.Join("pkg", cacheFolder): true}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir, outside := hostilePackage(t)
		before := names(t, dir)
		_ = putAll(dir, b)
		untouched(t, outside)
		for name := range names(t, dir) {
			if !before[name] && !allowed[name] {
				t.Errorf("%s appeared", name)
			}
		}
	})
}

func names(t testing.TB, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		relative, _ := filepath.Rel(dir, name)
		found[relative] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
