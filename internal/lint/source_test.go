package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "lambent.dev/lambent/internal/"

// pkg is one folder of Go source.
type pkg struct {
	path    string      // below internal/, cmd/ or bench/
	files   []*ast.File // without tests
	names   []string    // of the files
	fset    *token.FileSet
	imports map[string]bool // of this module, below internal/
	foreign map[string]bool // of other modules
}

func packages(t *testing.T) []*pkg { return load(t, "..") }
func commands(t *testing.T) []*pkg { return load(t, "../../cmd") }
func benches(t *testing.T) []*pkg  { return load(t, "../../bench") }

// load parses every package below root. Testdata and packages without code are left out.
func load(t *testing.T, root string) []*pkg {
	t.Helper()
	var found []*pkg
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "testdata" || d.Name() == "lint" {
			return filepath.SkipDir
		}
		if p := parse(t, root, path); len(p.files) > 0 {
			found = append(found, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func parse(t *testing.T, root, dir string) *pkg {
	t.Helper()
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	p := &pkg{path: filepath.ToSlash(rel), fset: token.NewFileSet(), imports: map[string]bool{}, foreign: map[string]bool{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			p.add(t, name)
		}
	}
	return p
}

func (p *pkg) add(t *testing.T, name string) {
	t.Helper()
	f, err := parser.ParseFile(p.fset, name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	p.files, p.names = append(p.files, f), append(p.names, name)
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		p.record(path)
	}
}

func (p *pkg) record(path string) {
	first, _, _ := strings.Cut(path, "/")
	if inside, ok := strings.CutPrefix(path, module); ok {
		p.imports[inside] = true
	} else if strings.Contains(first, ".") {
		p.foreign[path] = true
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
