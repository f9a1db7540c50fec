package lambdaapi

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// padded is a zip of exactly so many bytes.
func padded(size int) []byte {
	whole := func(padding int) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, _ := w.CreateHeader(&zip.FileHeader{Name: "app.py", Method: zip.Store})
		_, _ = f.Write(bytes.Repeat([]byte("#"), padding))
		_ = w.Close()
		return b.Bytes()
	}
	return whole(size - len(whole(0)))
}

const (
	unit   = 1000 // bytes of a package in these tests
	noRoom = "Code storage limit exceeded."
)

// withStorage is a bench that keeps so many units, beside an account that has more than that.
func withStorage(t *testing.T, units int64) *bench {
	t.Helper()
	b := newBench(t, func(d *Deps) { d.CodeStorage = units * unit })
	other := lambda.FunctionID{Account: "999999999999", Region: "us-east-1", Name: "other"}
	b.memory.functions[other] = lambda.Function{ID: other, Latest: lambda.Version{Code: lambda.Code{Size: 100 * unit}}}
	return b
}

func sized(name string, size int, publish bool) string {
	return request(map[string]any{"FunctionName": name, "Code": map[string]any{"ZipFile": padded(size)}, "Publish": publish})
}

// ready does what activation does.
func (b *bench) ready(name string) {
	b.t.Helper()
	b.edit(name, func(fn *lambda.Function) { fn.Latest.State, fn.Latest.LastUpdateStatus = "Active", "Successful" })
}

func (b *bench) want(kind string, status int, r reply) {
	b.t.Helper()
	if r.Code != status || r.kind() != kind || kind != "" && r.text() != noRoom {
		b.t.Errorf("answered %d %s: %s, want %d %s", r.Code, r.kind(), r.Body, status, kind)
	}
}

// An account has so many bytes of packages for all versions and layers; every call that would add more
// answers AWS's error, and what adds nothing passes.
func TestCodeStorage(t *testing.T) {
	const exceeded = "CodeStorageExceededException"
	b := withStorage(t, 4)
	put := func(name string, size int, publish bool) reply {
		b.ready(name)
		return b.do("PUT", functions+"/"+name+"/code", encoded(map[string]any{"ZipFile": padded(size), "Publish": publish}))
	}
	publish := func(name string) reply {
		b.ready(name)
		return b.do("POST", functions+"/"+name+"/versions", "{}")
	}
	layer := func(size int) reply {
		return b.do("POST", "/2018-10-31/layers/l/versions", encoded(map[string]any{"Content": map[string]any{"ZipFile": padded(size)}}))
	}
	b.want("", 201, b.do("POST", functions, sized("a", unit, true))) // $LATEST and 1
	b.want("", 201, b.do("POST", functions, sized("b", unit, false)))
	b.want(exceeded, 400, b.do("POST", functions, sized("c", unit, true)))
	b.want("", 201, layer(unit))
	b.want(exceeded, 400, b.do("POST", functions, sized("c", unit-1, false)))
	b.want(exceeded, 400, layer(unit-2))
	b.want(exceeded, 400, put("a", unit+1, false))
	for _, size := range []int{unit - 1, unit - 2, unit + 1} {
		if digest := sha256.Sum256(padded(size)); b.memory.blobs[hex.EncodeToString(digest[:])] != nil {
			t.Errorf("a refused package of %d bytes is kept", size)
		}
	}
	b.want(exceeded, 400, put("a", unit-3, true)) // less for $LATEST, and a version
	b.want("", 200, put("a", unit, false))        // no more than before
	b.want("", 201, publish("a"))                 // version 1 again
	b.want(exceeded, 400, publish("b"))
	b.want("", 200, put("b", unit*6/10, false))
	b.want(exceeded, 400, publish("b"))
	b.want("", 204, b.do("DELETE", "/2018-10-31/layers/l/versions/1", ""))
	b.want("", 201, publish("b"))
	if used, err := b.memory.CodeSize(t.Context(), "000000000000"); err != nil || used != 3200 {
		t.Errorf("%d bytes are counted, %v, want 3200", used, err)
	}
}

// Above a limit that was lowered nothing is added, and all else goes on.
func TestCodeStorageLowered(t *testing.T) {
	b := withStorage(t, 1)
	b.want("", 201, b.do("POST", functions, sized("fn", unit, false)))
	b.CodeStorage = unit / 2
	b.ready("fn")
	b.want("", 200, b.do("PUT", functions+"/fn/configuration", `{"Timeout":9}`))
	b.want("CodeStorageExceededException", 400, b.do("POST", functions, sized("more", unit/4, false)))
	b.ready("fn")
	b.want("", 200, b.do("PUT", functions+"/fn/code", encoded(map[string]any{"ZipFile": padded(unit - 1)})))
}

// Two calls at once do not both take what is left.
func TestCodeStorageIsTakenOnce(t *testing.T) {
	b := withStorage(t, 5)
	taken := make(chan int, 20)
	var all sync.WaitGroup
	for i := range cap(taken) {
		all.Go(func() {
			if b.do("POST", functions, sized(fmt.Sprint("f", i), unit, false)).Code == http.StatusCreated {
				taken <- i
			}
		})
	}
	all.Wait()
	if len(taken) != 5 {
		t.Errorf("%d functions of %d bytes were taken where there is room for 5", len(taken), unit)
	}
}
