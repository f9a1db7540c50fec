package code

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

func TestCheckRefusesHostileZips(t *testing.T) {
	for _, tt := range hostileZips() {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.zip(t)
			err := Check(bytes.NewReader(b), int64(len(b)))
			var api *lambda.Error
			if !errors.As(err, &api) || api.Kind != lambda.ErrInvalidParameterValue {
				t.Fatalf("Check = %v, want an InvalidParameterValueException", err)
			}
			if !strings.Contains(api.Message, tt.want) {
				t.Errorf("message %q, want %q (cause %v)", api.Message, tt.want, api.Cause)
			}
		})
	}
}

// goodZips are what real tools make, odd but harmless.
func goodZips() map[string][]item {
	return map[string][]item{
		"plain":             {file("lambda_function.py")},
		"no-modes":          {{name: "a.py", body: "x"}, {name: "d/"}, {name: "d/b.py", body: "y"}},
		"dot-root":          {{name: "./", mode: fs.ModeDir | 0o755}, file("./a"), file("./d/b")},
		"folder-twice":      {{name: "d/", mode: fs.ModeDir | 0o755}, {name: "d/", mode: fs.ModeDir | 0o700}, file("d/a")},
		"folder-after-file": {file("d/a"), {name: "d/", mode: fs.ModeDir | 0o755}},
		"case":              {file("README"), file("readme")},
		"backslash":         {file(`pkg\mod.py`)},
		"dots":              {file("..a"), file("b.."), file("...")},
		"colon":             {file("ab:c")},
		"utf8":              {file("größe/日本.py")},
		"link-inside":       {file("lib/x.so.1"), link("lib/x.so", "x.so.1"), link("bin/y", "../lib/x.so")},
		"link-to-root":      {link("a/b/up", "../..")},
		"link-dangling":     {link("l", "nothing")},
		"link-loop":         {link("a", "b"), link("b", "a")},
		"nested-zip":        {{name: "a.zip", body: strings.Repeat(directorySignature, 80_000), method: zip.Deflate}},
		"zeros":             {{name: "z", body: strings.Repeat("\x00", 2<<20), method: zip.Deflate}},
	}
}

func TestCheckAcceptsRealZips(t *testing.T) {
	for name, items := range goodZips() {
		t.Run(name, func(t *testing.T) {
			b := makeZip(t, items...)
			if err := Check(bytes.NewReader(b), int64(len(b))); err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
		})
	}
}

func TestDirectoryGuardStopsEarly(t *testing.T) {
	b := manyEntries(t, 2*maxNodes)
	guard := &directoryGuard{r: bytes.NewReader(b)}
	if _, err := zip.NewReader(guard, int64(len(b))); !errors.Is(err, errTooMany) {
		t.Fatalf("NewReader through the guard = %v, want %v", err, errTooMany)
	}
}
