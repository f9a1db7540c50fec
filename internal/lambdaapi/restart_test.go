package lambdaapi

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/blob/file"
	"lambent.dev/lambent/internal/code"
	"lambent.dev/lambent/internal/store/sqlite"
	"lambent.dev/lambent/internal/store/storetest"
)

// seekers is a blob store as package code wants it.
type seekers struct{ blob.Store }

func (s seekers) Open(ctx context.Context, digest string) (io.ReadSeekCloser, error) {
	return s.Store.Open(ctx, digest)
}

// A function that was created before a kill is there after it, whole, and becomes
// active: over the real store, the real blobs and the real unpacking.
func TestCreatedFunctionOutlivesProcess(t *testing.T) {
	dir := t.TempDir()
	first, _ := realBench(t, dir)
	created := first.create(map[string]any{"Environment": map[string]any{"Variables": map[string]any{"KEY": "value"}}})

	// The first server never ran its activations: that is the kill.
	second, packages := realBench(t, dir)
	second.run()
	active := second.await("thumbnail", "Active")
	if active.fields["CodeSha256"] != created.fields["CodeSha256"] || active.fields["RevisionId"] == created.fields["RevisionId"] {
		t.Errorf("created %v\nactive %v", created.fields, active.fields)
	}
	fn, err := second.Store.Function(t.Context(), id("thumbnail"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := packages.Folder(t.Context(), fn.Latest.Code.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if source, err := os.ReadFile(filepath.Join(folder, "app.py")); err != nil || !strings.Contains(string(source), "def handler") {
		t.Errorf("unpacked %q, %v", source, err)
	}
	if r := second.do("DELETE", functions+"/thumbnail", ""); r.Code != 204 {
		t.Errorf("delete: %d", r.Code)
	}
}

// A zip that climbs out is refused before anything is stored.
func TestHostileZipIsRefused(t *testing.T) {
	b, _ := realBench(t, t.TempDir())
	r := b.do("POST", functions, request(map[string]any{"Code": map[string]any{"ZipFile": zipOf("../../etc/cron.d/x")}}))
	if r.Code != 400 || r.text() != "Could not unzip uploaded file. Please check your file, then try to upload again." {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if _, err := b.Store.Function(t.Context(), id("thumbnail")); !isMissing(err) {
		t.Errorf("stored all the same: %v", err)
	}
}

func realBench(t *testing.T, dir string) (*bench, *code.Packages) {
	t.Helper()
	functions, err := sqlite.Open(t.Context(), dir, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := file.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	packages, err := code.New(filepath.Join(dir, "packages"), seekers{blobs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := functions.Close(); err != nil {
			t.Error(err)
		}
	})
	return newBench(t, func(d *Deps) { d.Store, d.Blobs, d.Packages = functions, blobs, packages }), packages
}

// A server that is stopped while it still reads what it has to resume ends like any other.
func TestRunStoppedAtOnce(t *testing.T) {
	b, _ := realBench(t, t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped"))
	if err := b.Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
}
