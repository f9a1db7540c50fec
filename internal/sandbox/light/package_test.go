package light_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// library builds a shared library that answers a number.
func library(t *testing.T, dir string) string {
	t.Helper()
	source, name := filepath.Join(dir, "answer.c"), filepath.Join(dir, "libanswer.so")
	if err := os.WriteFile(source, []byte("int answer(void) { return 42; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", name, source).CombinedOutput(); err != nil {
		t.Skipf("no C compiler: %v\n%s", err, out)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLibrariesOfPackages: the dynamic linker remembers folders that it did not find when
// the interpreter started, and LD_LIBRARY_PATH names some that a package brings.
func TestLibrariesOfPackages(t *testing.T) {
	s := newStation(t)
	answer := library(t, t.TempDir())
	for language, program := range map[string]string{
		"python": "import ctypes\ndef result():\n    return ctypes.CDLL('libanswer.so').answer() == 42\n",
		"nodejs": `try { process.dlopen({exports: {}}, 'libanswer.so'); } catch (e) { return /self-register/.test(e.message); }`,
	} {
		for _, runtime := range s.runtimes(language) {
			for place, c := range map[string]code{
				"layer":   {opt: map[string]string{"lib/libanswer.so": answer}},
				"task":    {files: with(evaluators[language], "libanswer.so", answer)},
				"tasklib": {files: with(evaluators[language], "lib/libanswer.so", answer)},
			} {
				t.Run(runtime+"/"+place, func(t *testing.T) { s.loadLibrary(t, runtime, c, program) })
			}
		}
	}
}

// with adds a file.
func with(files map[string]string, name, text string) map[string]string {
	files = maps.Clone(files)
	files[name] = text
	return files
}

func (s *station) loadLibrary(t *testing.T, runtime string, c code, program string) {
	var ahead, executed bool
	i := s.serve(t, runtime, true, c)
	i.evaluate(&ahead, program)
	i.executed().evaluate(&executed, program)
	if !ahead || !executed {
		t.Errorf("found when it waited: %v, when it is executed: %v", ahead, executed)
	}
}

// shadows are packages that bring a module of a name of the standard library, by whose it is
// in the function: on AWS the runtime has loaded some before.
var shadows = []struct {
	name, module, own string
	files             map[string]string
}{
	{"module", "random", "function's", map[string]string{"random.py": "own = \"function's\""}},
	{"package", "email", "function's", map[string]string{"email/__init__.py": "own = \"function's\""}},
	{"loaded", "uuid", "function's", map[string]string{"uuid.py": "own = \"function's\""}},
	{"submodule", "concurrent.futures", "function's", map[string]string{"concurrent/__init__.py": "", "concurrent/futures.py": "own = \"function's\""}},
	{"backport", "dataclasses", "function's", map[string]string{"dataclasses.py": "own = \"function's\""}},
	{"notloaded", "colorsys", "function's", map[string]string{"colorsys.py": "own = \"function's\""}},
	{"first", "json", "library's", map[string]string{"json.py": "own = \"function's\""}},
	{"typing", "typing", "library's", map[string]string{"typing.py": "own = \"function's\""}},
	{"logging", "logging", "library's", map[string]string{"logging/__init__.py": "own = \"function's\""}},
	{"builtin", "time", "library's", map[string]string{"time.py": "own = \"function's\""}},
	{"scene", "scene", "function's", map[string]string{"scene.py": "own = \"function's\""}},
}

// TestShadowedModules: a package's own modules win, or lose, as in a fresh interpreter.
func TestShadowedModules(t *testing.T) {
	s := newStation(t)
	for _, runtime := range s.runtimes("python") {
		for _, shadow := range shadows {
			t.Run(runtime+"/"+shadow.name, func(t *testing.T) {
				for _, layer := range []bool{false, true} {
					s.compareShadow(t, runtime, shadow.module, shadow.own, shadow.files, layer)
				}
			})
		}
	}
}

func (s *station) compareShadow(t *testing.T, runtime, module, own string, files map[string]string, layer bool) {
	t.Helper()
	c := code{files: map[string]string{"index.py": evaluators["python"]["index.py"]}, opt: map[string]string{"x": ""}}
	for name, text := range files {
		if layer {
			c.opt["python/"+name] = text
		} else {
			c.files[name] = text
		}
	}
	program := "import importlib\ndef result():\n    return getattr(importlib.import_module('" + module + "'), 'own', \"library's\")\n"
	var ahead, executed string
	i := s.serve(t, runtime, true, c)
	i.evaluate(&ahead, program)
	i.executed().evaluate(&executed, program)
	if ahead != executed || executed != own {
		t.Errorf("layer %v: module %s is the %s when it waited, the %s when it is executed, want the %s", layer, module, ahead, executed, own)
	}
}

// TestPackageInHome: site looks for modules below HOME at the start.
func TestPackageInHome(t *testing.T) {
	s := newStation(t)
	for _, runtime := range s.runtimes("python") {
		t.Run(runtime, func(t *testing.T) {
			c := code{env: map[string]string{"HOME": "/var/task"}, files: map[string]string{
				"index.py": evaluators["python"]["index.py"], ".local/lib/" + runtime + "/site-packages/athome.py": "",
			}}
			var file string
			i := s.serve(t, runtime, true, c)
			const program = "import athome\ndef result():\n    return athome.__file__\n"
			i.evaluate(&file, program)
			i.executed().evaluate(&file, program)
			if !strings.HasPrefix(file, "/var/task/.local/") {
				t.Error(file)
			}
		})
	}
}
