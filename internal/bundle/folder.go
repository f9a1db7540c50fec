package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// entries are the names that a folder's main file usually has, best first.
var entries = []string{"lambda_function", "app", "index", "main", "handler", "function"}

// findInFolder finds out what a folder is by the files that only one language has, then
// by the usual names of main files, then by being the only source.
func (s *source) findInFolder() error {
	switch {
	case s.has("go.mod"):
		s.language = golang
	case s.has(bootstrap):
		s.language = ready
	case s.options.Handler != "" && s.findModule(s.options.Handler):
	case s.findMain(), s.findEntry(), s.findOnly():
	default:
		return fmt.Errorf("there is no %s.py, .js, .mjs or .ts, no go.mod and no bootstrap in %s: name the file, or the function with --handler",
			strings.Join(entries, ", "), s.dir)
	}
	return nil
}

func (s *source) has(name string) bool {
	info, err := os.Stat(filepath.Join(s.dir, name))
	return err == nil && info.Mode().IsRegular()
}

// languages in the order in which a folder is searched for them. A folder with TypeScript
// often has what was compiled from it beside it.
func languages() []*language { return []*language{python, typescript, javascript} }

// take makes name the entry if there is such a file.
func (s *source) take(l *language, name string) bool {
	if !s.has(name) {
		return false
	}
	s.language, s.entry = l, name
	return true
}

// findModule finds the file of a handler such as "src/app.handler".
func (s *source) findModule(handler string) bool {
	dot := strings.LastIndexByte(handler, '.')
	if dot < 0 {
		return false
	}
	for _, l := range languages() {
		for _, extension := range l.extensions {
			if s.take(l, handler[:dot]+extension) {
				return true
			}
		}
	}
	return false
}

// findMain follows "main" of package.json.
func (s *source) findMain() bool {
	text, err := os.ReadFile(filepath.Join(s.dir, "package.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	var p struct{ Main string }
	if err != nil || json.Unmarshal(text, &p) != nil || p.Main == "" || !filepath.IsLocal(p.Main) {
		return false
	}
	name, extension := filepath.Clean(p.Main), filepath.Ext(p.Main)
	for _, l := range []*language{typescript, javascript} {
		for _, known := range l.extensions {
			if known == extension {
				return s.take(l, name)
			}
		}
	}
	return s.take(javascript, name+".js")
}

func (s *source) findEntry() bool {
	for _, name := range entries {
		if s.findModule(name + ".") {
			return true
		}
	}
	return false
}

// findOnly takes the only source in the folder.
func (s *source) findOnly() bool {
	found := 0
	var name string
	var kind *language
	for _, l := range languages() {
		for _, extension := range l.extensions {
			matches, err := filepath.Glob(filepath.Join(escapeGlob(s.dir), "*"+extension))
			if err == nil && len(matches) > 0 {
				found, kind, name = found+len(matches), l, filepath.Base(matches[0])
			}
		}
	}
	return found == 1 && s.take(kind, name)
}

// escapeGlob makes a folder's name literal in a pattern.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
