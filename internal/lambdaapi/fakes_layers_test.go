package lambdaapi

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/code"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// layers is the part of a memory that keeps layers.
type layers struct {
	mu       sync.Mutex
	versions []lambda.LayerVersion
	last     map[lambda.LayerID]int64
}

func (l *layers) PublishLayer(_ context.Context, v lambda.LayerVersion) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[lambda.LayerID]int64{}
	}
	l.last[v.ID]++
	v.Version = l.last[v.ID]
	l.versions = append(l.versions, v)
	return v.Version, nil
}

func (l *layers) LayerVersion(_ context.Context, id lambda.LayerID, version int64) (lambda.LayerVersion, error) {
	for _, v := range l.sorted() {
		if v.ID == id && v.Version == version {
			return v, nil
		}
	}
	return lambda.LayerVersion{}, store.ErrNotFound
}

func (l *layers) LayerVersions(_ context.Context, id lambda.LayerID, below int64, yield func(lambda.LayerVersion) error) error {
	for _, v := range l.sorted() {
		if v.ID == id && (below == 0 || v.Version < below) {
			if err := yield(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *layers) Layers(_ context.Context, account, region, after string, yield func(lambda.LayerVersion) error) error {
	for _, v := range l.sorted() {
		if v.ID.Account == account && v.ID.Region == region && v.ID.Name > after {
			if err := yield(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *layers) DeleteLayer(_ context.Context, id lambda.LayerID, version int64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.versions)
	l.versions = slices.DeleteFunc(l.versions, func(v lambda.LayerVersion) bool { return v.ID == id && v.Version == version })
	return len(l.versions) < before, nil
}

// sorted returns all versions, by name and then newest first.
func (l *layers) sorted() []lambda.LayerVersion {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(slices.Values(l.versions), func(a, b lambda.LayerVersion) int {
		return cmp.Or(cmp.Compare(a.ID.Name, b.ID.Name), cmp.Compare(b.Version, a.Version))
	})
}

// Layers stands for code.Packages.Layers.
func (h *host) Layers(ctx context.Context, digests []string) (string, error) {
	if h.layers != nil {
		return "", h.layers
	}
	return h.Folder(ctx, digests[0])
}

// zeros is a zip of one file that declares a size, for who reads only the directory.
func zeros(size int64) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.CreateRaw(&zip.FileHeader{Name: "zeros", Method: zip.Deflate, UncompressedSize64: uint64(size)})
	_, _ = f.Write(nil)
	_ = w.Close()
	return b.Bytes()
}

// unzippedSize is that of goodZip.
func unzippedSize(t *testing.T) int64 {
	t.Helper()
	n, err := code.Unzipped(bytes.NewReader(goodZip()), int64(len(goodZip())))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bounded shortens the limit of a Put, so that reaching it costs no memory, after
// making sure that it is the limit of packages.
type bounded struct{ Blobs }

func (b bounded) Put(ctx context.Context, r io.Reader, limit int64) (blob.Info, error) {
	if limit != lambda.MaxUnzipped {
		return blob.Info{}, fmt.Errorf("limit is %d", limit)
	}
	return b.Blobs.Put(ctx, r, 1<<10)
}

func httptestRequest(t *testing.T) *http.Request {
	return httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
}
