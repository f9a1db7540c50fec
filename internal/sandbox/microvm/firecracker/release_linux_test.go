package firecracker_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
)

// published is an archive as Firecracker's are, without some of its files. Its programs say versions.
func published(t testing.TB, version string, without ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	files := tar.NewWriter(zipped)
	folder := "release-v" + version + "-x86_64/"
	for _, f := range []struct{ name, content string }{
		{"../../escapes", "no"},
		{"LICENSE", "Apache"},
		{"firecracker-v" + version + "-x86_64", "#!/bin/sh\necho 'Firecracker v" + version + "'\n"},
		{"firecracker-v" + version + "-x86_64.debug", "symbols"},
		{"jailer-v" + version + "-x86_64", "#!/bin/sh\necho 'Jailer v" + version + "'\n"},
		{"firecracker_spec-v" + version + ".yaml", "swagger: '2.0'\n"},
	} {
		if len(without) > 0 && strings.HasPrefix(f.name, without[0]) {
			continue
		}
		if err := files.WriteHeader(&tar.Header{Name: folder + f.name, Mode: 0o755, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(files, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// mirror serves archives below the paths that the release page has.
func mirror(t *testing.T, version string, archive []byte) (address string) {
	t.Helper()
	routes := http.NewServeMux()
	routes.HandleFunc("GET /v"+version+"/firecracker-v"+version+"-x86_64.tgz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) })
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	return server.URL
}

func release(version string, archive []byte) firecracker.Release {
	sum := sha256.Sum256(archive)
	return firecracker.Release{Version: version, Machine: "x86_64", SHA256: hex.EncodeToString(sum[:])}
}

// A release becomes two programs that Find finds; the same again asks nobody, another one takes its place.
func TestReleaseIsInstalled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "microvm")
	for _, version := range []string{"1.15.1", "1.15.1", "1.15.2"} {
		archive := published(t, version)
		if err := release(version, archive).Install(t.Context(), mirror(t, version, archive), dir, io.Discard); err != nil {
			t.Fatal(err)
		}
		found, err := firecracker.Find(t.Context(), []string{dir})
		if err != nil || found.Version != version {
			t.Errorf("found %+v, %v", found, err)
		}
	}
	if err := release("1.15.2", nil).Install(t.Context(), "http://127.0.0.1:1", dir, io.Discard); err != nil {
		t.Errorf("one that is there was asked for: %v", err)
	}
	expectFiles(t, dir, "firecracker", firecracker.Description, "jailer")
}

func expectFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	files, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, f := range files {
		got = append(got, f.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("there are %v, want %v", got, want)
	}
}

// What is not the published archive, whole, leaves nothing.
func TestWhatIsNoReleaseIsNotInstalled(t *testing.T) {
	whole := published(t, "1.15.1")
	short, noJailer := whole[:len(whole)/2], published(t, "1.15.1", "jailer")
	for name, c := range map[string]struct {
		release firecracker.Release
		served  []byte
		at      string // below the mirror's address
		want    string
	}{
		"another content": {release("1.15.1", whole), append(bytes.Clone(whole), 0), "", "not what Firecracker published"},
		"cut":             {release("1.15.1", short), short, "", "unexpected EOF"},
		"no archive":      {release("1.15.1", []byte("hello")), []byte("hello"), "", "unpacking"},
		"no jailer":       {release("1.15.1", noJailer), noJailer, "", "looking for 1 files"},
		"not there":       {release("1.15.1", whole), whole, "/elsewhere", "404"},
	} {
		dir := t.TempDir()
		err := c.release.Install(t.Context(), mirror(t, "1.15.1", c.served)+c.at, dir, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		expectFiles(t, dir)
	}
}

// The pinned release is asked for by the name that the release page has for it. Where the
// programs are installed, they are of a version that can be used: see Find.
func TestPinnedReleaseIsNamedAsItIsPublished(t *testing.T) {
	pinned, err := firecracker.Pinned()
	if err != nil {
		t.Skip(err)
	}
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = r.URL.Path; http.NotFound(w, r) }))
	defer server.Close()
	err = pinned.Install(t.Context(), server.URL, t.TempDir(), io.Discard)
	want := "/v" + pinned.Version + "/firecracker-v" + pinned.Version + "-" + pinned.Machine + ".tgz"
	if err == nil || asked != want || len(pinned.SHA256) != 64 {
		t.Errorf("asked for %s, want %s; %v", asked, want, err)
	}
}

// FuzzRelease: what an archive holds is written nowhere but where it belongs.
func FuzzRelease(f *testing.F) {
	f.Add(published(f, "1.15.1"))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		dir := t.TempDir()
		into := filepath.Join(dir, "microvm")
		err := release("1.15.1", archive).Unpack(archive, into)
		if err != nil {
			expectFiles(t, into)
		}
		expectFiles(t, dir, "microvm")
	})
}
