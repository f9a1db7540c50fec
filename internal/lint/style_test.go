package lint

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPackageDocs holds that every package says what it is for, once, in doc.go.
func TestPackageDocs(t *testing.T) {
	for _, p := range append(packages(t), benches(t)...) {
		var documented []string
		for i, f := range p.files {
			if f.Doc != nil && f.Name.Name != "main" {
				documented = append(documented, filepath.Base(p.names[i]))
			}
		}
		if p.files[0].Name.Name == "main" {
			continue
		}
		if len(documented) != 1 || documented[0] != "doc.go" {
			t.Errorf("%s: package comments in %v, want one, in doc.go", p.path, documented)
		}
	}
}

// TestExportedIsDocumented holds that what others use has a docstring.
func TestExportedIsDocumented(t *testing.T) {
	for _, p := range append(packages(t), benches(t)...) {
		for i, f := range p.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.IsExported() && fn.Doc == nil && receiverExported(fn) {
					t.Errorf("%s: %s has no docstring", p.names[i], fn.Name.Name)
				}
			}
		}
	}
}

func receiverExported(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	kind := fn.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported()
}

// forbidden are calls with a better one beside them.
var forbidden = []struct{ pattern, why string }{
	{`context\.WithCancel\(`, "use WithCancelCause: contexts carry causes"},
	{`context\.WithTimeout\(`, "use WithTimeoutCause: contexts carry causes"},
	{`context\.WithDeadline\(`, "use WithDeadlineCause: contexts carry causes"},
	{`os\.Is(NotExist|Exist|Permission)\(`, "use errors.Is with fs.Err…"},
	{`(?m)^func init\(`, "no registration behind the reader's back"},
	{`log\.(Print|Fatal|Panic)`, "use the slog.Logger that was handed in"},
	{`prometheus\.(MustRegister|DefaultRegisterer)`, "use the registry that was handed in"},
	{`http\.DefaultServeMux|http\.HandleFunc\(`, "no global state"},
	{`(?m)//\s*(TODO|FIXME|XXX|HACK)`, "finish it or leave it out"},
}

func TestForbiddenCalls(t *testing.T) {
	for _, p := range slices.Concat(packages(t), commands(t), benches(t)) {
		for _, name := range p.names {
			text := read(t, name)
			for _, f := range forbidden {
				if found := regexp.MustCompile(f.pattern).FindString(text); found != "" {
					t.Errorf("%s: %q: %s", name, strings.TrimSpace(found), f.why)
				}
			}
		}
	}
}

// TestOnlyTheAttackSuiteTakesProtectionsAway holds that no code that ships sets
// light.Options.Without.
func TestOnlyTheAttackSuiteTakesProtectionsAway(t *testing.T) {
	sets := regexp.MustCompile(`Without\s*:`)
	for _, p := range slices.Concat(packages(t), commands(t), benches(t)) {
		for _, name := range p.names {
			if strings.HasPrefix(p.path, "sandbox/sandboxtest") {
				continue
			}
			if sets.MatchString(read(t, name)) {
				t.Errorf("%s takes protections away", name)
			}
		}
	}
}

// TestFilesAreOneSubject flags files that have grown past a subject.
func TestFilesAreOneSubject(t *testing.T) {
	const most = 400 // lines
	for _, p := range slices.Concat(packages(t), commands(t), benches(t)) {
		for _, name := range p.names {
			if n := strings.Count(read(t, name), "\n"); n > most {
				t.Errorf("%s has %d lines, more than %d: split it by subject", name, n, most)
			}
		}
	}
}
