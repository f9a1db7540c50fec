package runsc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckTakesOnlyOurBuild(t *testing.T) {
	dir := t.TempDir()
	text, plain := filepath.Join(dir, "text"), filepath.Join(dir, "plain")
	self, err := os.Executable() // a Go program, but another
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755), os.WriteFile(plain, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing"), dir, text, plain, self} {
		if err := Check(path); err == nil {
			t.Errorf("%s passes for runsc", path)
		}
	}
	built := filepath.Join("..", "..", "..", "..", "bin", Name)
	if _, err := os.Stat(built); err != nil {
		t.Skip("make runsc has not run")
	}
	if err := Check(built); err != nil {
		t.Error(err)
	}
}

func TestInstallSaysThatGoIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var said bytes.Buffer
	if err := Install(t.Context(), t.TempDir(), &said); !errors.Is(err, ErrNoGo) || !strings.Contains(err.Error(), "https://go.dev") {
		t.Errorf("err = %v", err)
	}
}

// A module that is not the one that was published is not built.
func TestInstallRefusesAnotherModule(t *testing.T) {
	bin, into := t.TempDir(), t.TempDir()
	fake := "#!/bin/sh\n[ \"$1\" = mod ] && echo '{\"Sum\":\"h1:other=\"}' && exit 0\necho \"built $*\" >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	var said bytes.Buffer
	err := Install(t.Context(), into, &said)
	if err == nil || !strings.Contains(err.Error(), "checksum h1:other=") {
		t.Errorf("err = %v", err)
	}
	if left, _ := os.ReadDir(into); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
