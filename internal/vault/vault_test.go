package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSealedOpensInItsContextOnly(t *testing.T) {
	key, other := keyOf(t, 1), keyOf(t, 2)
	plain, mine := []byte("s3cret"), []byte("arn:mine")
	sealed := key.Seal(plain, mine)
	if got, err := key.Open(sealed, mine); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("Open = %q, %v", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another context": func() ([]byte, error) { return key.Open(sealed, []byte("arn:theirs")) },
		"another key":     func() ([]byte, error) { return other.Open(sealed, mine) },
		"changed":         func() ([]byte, error) { return key.Open(changed, mine) },
		"cut":             func() ([]byte, error) { return key.Open(sealed[:10], mine) },
		"empty":           func() ([]byte, error) { return key.Open(nil, mine) },
	} {
		if got, err := open(); !errors.Is(err, ErrNotGenuine) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if bytes.Contains(sealed, plain) || bytes.Equal(sealed, key.Seal(plain, mine)) {
		t.Error("sealing hides nothing, or always the same")
	}
}

func TestLoadMakesAKeyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	var group sync.WaitGroup
	var mu sync.Mutex
	ids, makers := map[string]bool{}, 0
	for range 8 {
		group.Go(func() {
			key, made, err := Load(path)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if ids[key.ID()] = true; made {
				makers++
			}
		})
	}
	group.Wait()
	if len(ids) != 1 || makers != 1 {
		t.Errorf("%d keys of %d makers, want one of one", len(ids), makers)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want mode 600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	if _, _, err := Load(good); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable": {string(text), 0o640, "chmod 600"},
		"empty":    {"", 0o600, "put back a copy"},
		"cut":      {string(text[:30]), 0o600, "put back a copy"},
		"other":    {"-----BEGIN PRIVATE KEY-----", 0o600, "put back a copy"},
		"long":     {string(text) + strings.Repeat("A", 1<<20), 0o600, "put back a copy"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if _, made, err := Load(path); err == nil || made || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if kept, _ := os.ReadFile(path); string(kept) != c.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, _, err := Load(filepath.Join(dir, "no", "folder")); err == nil {
		t.Error("a key in no folder")
	}
}

func keyOf(t *testing.T, b byte) *Key {
	t.Helper()
	key, err := New([keySize]byte{b})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func FuzzParse(f *testing.F) {
	f.Add("lambent-key-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	f.Add("lambent-key-1 ")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := parse(text); err == nil && len(key.ID()) != 16 {
			t.Errorf("a key without an id: %q", text)
		}
	})
}
