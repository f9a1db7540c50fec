package bundle_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/bundle"
)

func options() bundle.Options {
	return bundle.Options{
		Newest: func(family string) (string, error) {
			return family + map[string]string{"python": "3.11", "nodejs": "22.x"}[family], nil
		},
		Interpreter: func(string) string { return "" },
	}
}

// folder writes files, given as name and content in turn, into a folder of that name.
func folder(t *testing.T, name string, files ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func build(t *testing.T, path string, o bundle.Options) *bundle.Package {
	t.Helper()
	p, err := bundle.Make(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// contents reads a package back.
func contents(t *testing.T, p *bundle.Package) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(p.Zip), int64(len(p.Zip)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

func TestRuntimeAndHandlerAreGuessed(t *testing.T) {
	const py, js, ts = "def handler(e, c): pass\n", "exports.handler = async () => 1\n", "export const handler = async () => 1\n"
	for _, tc := range []struct {
		files         []string
		path          string // below the folder
		want, handler string
	}{
		{[]string{"app.py", py}, "", "python3.11", "app.handler"},
		{[]string{"app.py", py}, "app.py", "python3.11", "app.handler"},
		{[]string{"lambda_function.py", "def lambda_handler(e, c): pass", "app.py", py}, "", "python3.11", "lambda_function.lambda_handler"},
		{[]string{"only.py", "class C: pass\nasync def f(): pass\ndef run(e, c): pass\ndef _private(): pass\n"}, "", "python3.11", "only.run"},
		{[]string{"app.py", "from x import App\nhandler = App()\n"}, "", "python3.11", "app.handler"},
		{[]string{"index.js", js}, "", "nodejs22.x", "index.handler"},
		{[]string{"index.mjs", ts}, "index.mjs", "nodejs22.x", "index.handler"},
		{[]string{"package.json", `{"main":"src/go.js"}`, "src/go.js", "module.exports = { run: f }", "app.js", js}, "", "nodejs22.x", "src/go.run"},
		{[]string{"index.js", "export { inner as main }"}, "", "nodejs22.x", "index.main"},
		{[]string{"index.js", "wrap(exports)"}, "", "nodejs22.x", "index.handler"},
		{[]string{"index.ts", ts, "index.js", js}, "", "nodejs22.x", "index.handler"},
		{[]string{"src/index.ts", ts, "package.json", `{"main":"src/index.ts"}`}, "", "nodejs22.x", "index.handler"},
		{[]string{"bootstrap", "#!/bin/sh\n", "data.txt", ""}, "", "provided.al2023", "bootstrap"},
	} {
		p := build(t, filepath.Join(folder(t, "fn", tc.files...), tc.path), options())
		if p.Runtime != tc.want || p.Handler != tc.handler || p.Guessed == "" {
			t.Errorf("%v: %s %s by %q, want %s %s", tc.files, p.Runtime, p.Handler, p.Guessed, tc.want, tc.handler)
		}
	}
}

func TestWhatIsGivenIsNotGuessed(t *testing.T) {
	o := options()
	o.Runtime, o.Handler = "python3.9", "deep/mod.run"
	p := build(t, folder(t, "my fn!", "deep/mod.py", ""), o)
	if p.Runtime != "python3.9" || p.Handler != "deep/mod.run" || p.Guessed != "" || p.Name != "my-fn" {
		t.Errorf("%+v", p)
	}
}

func TestTheSameSourcesGiveTheSameBytes(t *testing.T) {
	files := []string{"app.py", "def handler(e, c): pass\n", "b/data.txt", "x", "a.txt", "y"}
	one, two := build(t, folder(t, "fn", files...), options()), build(t, folder(t, "fn", files...), options())
	if !bytes.Equal(one.Zip, two.Zip) {
		t.Error("they differ")
	}
}

func TestHiddenFilesAndCachesStayOut(t *testing.T) {
	p := build(t, folder(t, "fn", "app.py", "def handler(e, c): pass\n", ".env", "SECRET=1", ".git/config", "", "__pycache__/app.pyc", "",
		"old.pyc", "", "venv/pyvenv.cfg", "", "venv/lib/x.py", "", "lib/data.txt", "data"), options())
	want := map[string]string{"app.py": "def handler(e, c): pass\n", "lib/data.txt": "data"}
	if diff := cmp.Diff(want, contents(t, p)); diff != "" {
		t.Error(diff)
	}
}

func TestLinksStayInTheFolder(t *testing.T) {
	dir := folder(t, "fn", "app.py", "def handler(e, c): pass\n", "real.txt", "here")
	if err := os.Symlink("real.txt", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, build(t, dir, options()))["link.txt"]; got != "here" {
		t.Errorf("link.txt is %q", got)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Make(t.Context(), dir, options()); err == nil || !strings.Contains(err.Error(), "out.txt") {
		t.Errorf("a link out of the folder: %v", err)
	}
}

func TestLinksToFoldersAreFollowed(t *testing.T) {
	dir := folder(t, "fn", "app.py", "def handler(e, c): pass\n", "real/deep/data.txt", "here")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, build(t, dir, options()))["link/deep/data.txt"]; got != "here" {
		t.Errorf("link/deep/data.txt is %q", got)
	}
	if err := os.Symlink("..", filepath.Join(dir, "real", "up")); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Make(t.Context(), dir, options()); err == nil || !strings.Contains(err.Error(), "in a circle") {
		t.Errorf("a circle: %v", err)
	}
}

// TestNodeDependenciesAreInstalled installs a package that is in the folder: no registry is
// asked.
func TestNodeDependenciesAreInstalled(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("there is no npm on this host")
	}
	dir := folder(t, "fn", "index.js", "exports.handler = async () => require('shelf')\n",
		"package.json", `{"name":"fn","version":"1.0.0","dependencies":{"shelf":"file:./shelf"}}`,
		"shelf/package.json", `{"name":"shelf","version":"1.0.0","main":"shelf.js"}`, "shelf/shelf.js", "module.exports = 7\n")
	o := options()
	o.Install = true
	files := contents(t, build(t, dir, o))
	if files["node_modules/shelf/shelf.js"] != "module.exports = 7\n" {
		t.Errorf("%q", files)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		t.Error("it was installed into the person's own folder")
	}
}

func TestTypeScriptIsBundled(t *testing.T) {
	p := build(t, folder(t, "fn",
		"index.ts", "import { greet } from './lib/greet'\nimport left from 'left'\nexport const handler = async (e: { name: string }) => left(greet(e.name))\n",
		"lib/greet.ts", "export const greet = (name: string): string => `hello ${name}`\n",
		"node_modules/left/index.js", "module.exports = (x) => x\n", "node_modules/left/package.json", `{"name":"left"}`,
		"package.json", "{}", "tsconfig.json", "{}", "page.html", "<p>"), options())
	files := contents(t, p)
	js := files["index.js"]
	if len(files) != 2 || files["page.html"] != "<p>" || !strings.Contains(js, "hello ${name}") || strings.Contains(js, "name: string") {
		t.Errorf("%q", files)
	}
}

func TestESModulesKeepTheirSyntax(t *testing.T) {
	dir := folder(t, "fn", "app.js", "import fs from 'node:fs'\nexport const handler = async () => 1\n")
	if _, ok := contents(t, build(t, filepath.Join(dir, "app.js"), options()))["app.mjs"]; !ok {
		t.Error("there is no app.mjs")
	}
}

func TestGoIsBuilt(t *testing.T) {
	dir := folder(t, "fn", "go.mod", "module fn\n", "main.go", "package main\n\nfunc main() {}\n")
	for _, path := range []string{dir, filepath.Join(dir, "main.go")} {
		p := build(t, path, options())
		if program := contents(t, p)["bootstrap"]; !strings.HasPrefix(program, "\x7fELF") || p.Runtime != "provided.al2023" {
			t.Errorf("%s: %s, %.4q", path, p.Runtime, program)
		}
	}
}

// TestPythonDependenciesAreInstalled installs a package from a folder beside the source: no
// registry is asked.
func TestPythonDependenciesAreInstalled(t *testing.T) {
	wheel := folder(t, "wheel")
	name := filepath.Join(wheel, "shelf-1-py3-none-any.whl")
	writeZip(t, name, map[string]string{
		"shelf.py": "books = 7\n", "shelf-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: shelf\nVersion: 1\n",
		"shelf-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "shelf-1.dist-info/RECORD": "",
	})
	dir := folder(t, "fn", "app.py", "import shelf\ndef handler(e, c): return shelf.books\n", "requirements.txt", name+"\n", "data.txt", "d")
	if p := build(t, dir, options()); len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "--install") {
		t.Errorf("notes %q", p.Notes)
	}
	o := options()
	o.Install = true
	for path, data := range map[string]string{dir: "d", filepath.Join(dir, "app.py"): ""} {
		files := contents(t, build(t, path, o))
		if files["shelf.py"] != "books = 7\n" || files["data.txt"] != data || files["app.py"] == "" {
			t.Errorf("%s: %q", path, files)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "shelf.py")); err == nil {
		t.Error("it was installed into the person's own folder")
	}
}

func writeZip(t *testing.T, name string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAZipIsTakenAsItIs(t *testing.T) {
	name := filepath.Join(folder(t, "z"), "shop.zip")
	writeZip(t, name, map[string]string{"index.js": "exports.handler = 1", "../evil.py": "", "lib/x.js": ""})
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p := build(t, name, options())
	if !bytes.Equal(p.Zip, want) || p.Name != "shop" || p.Handler != "index.handler" || p.Runtime != "nodejs22.x" {
		t.Errorf("%s %s %s", p.Name, p.Runtime, p.Handler)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		files []string
		path  string
		want  string
	}{
		{nil, "nowhere.py", "there is no file or folder"},
		{nil, "", "name the file, or the function with --handler"},
		{[]string{"notes.txt", ""}, "notes.txt", "use a folder, a .zip"},
		{[]string{"app.py", "def a(): pass\ndef b(): pass\n"}, "", "--handler app.FUNCTION"},
		{[]string{"a.zip", "not a zip"}, "a.zip", "it is not a zip"},
		{[]string{"index.ts", "import x from 'absent'\nexport const handler = x\n"}, "", "--install"},
		{[]string{"index.ts", "export const = 1"}, "", "index.ts:1:13"},
		{[]string{"go.mod", "module x\n", "main.go", "package main\nfunc main() { x() }"}, "", "undefined: x"},
	} {
		_, err := bundle.Make(t.Context(), filepath.Join(folder(t, "fn", tc.files...), tc.path), options())
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v %s: %v, want %q", tc.files, tc.path, err, tc.want)
		}
	}
}

func TestAFolderThatIsTooLarge(t *testing.T) {
	dir := folder(t, "fn", "app.py", "def handler(e, c): pass\n")
	for i := range 1 {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.bin", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(300_000_000); err != nil { // sparse: it takes no room
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bundle.Make(t.Context(), dir, options()); err == nil || !strings.Contains(err.Error(), "leave out what does not run") {
		t.Errorf("%v", err)
	}
}

// FuzzZip hands hostile zips to the guess.
func FuzzZip(f *testing.F) {
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := bundle.Make(t.Context(), name, options()); err == nil && (p.Handler == "" || p.Runtime == "") {
			t.Errorf("%+v", p)
		}
	})
}
