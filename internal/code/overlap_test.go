package code

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// Servers that start sweep the folder in which another one unpacks: neither disturbs the
// other.
func TestOpeningRacesUnpacking(t *testing.T) {
	b := &blobs{}
	dir := filepath.Join(t.TempDir(), "code")
	p, err := New(dir, b)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := New(dir, b); err != nil {
					t.Errorf("opening: %v", err)
					return
				}
			}
		})
	}
	for i := range 300 {
		digest := b.put(makeZip(t, item{name: "app.py", body: fmt.Sprint(i)}))
		if _, err := p.Folder(t.Context(), digest); err != nil {
			t.Errorf("unpacking: %v", err)
		}
	}
	close(stop)
	all.Wait()
}
