package bundle

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is a folder or file whose language is known.
type source struct {
	options  Options
	language *language
	dir      string // absolute
	entry    string // file below dir that has the handler; "" for Go and ready-made bootstraps
	single   bool   // the entry alone is deployed, not its folder
	runtime  string
	handler  string
	guessed  string
	notes    []string
}

// language is what differs between the kinds of source.
type language struct {
	name       string
	family     string   // of its managed runtimes; "" = runs under provided.al2023
	extensions []string // of source files, best first
	manifest   string   // file that names its dependencies
	handler    func(text string) string
	pack       func(context.Context, *source) ([]file, error)
}

// provided is the runtime of what brings its own bootstrap.
const (
	provided  = "provided.al2023"
	bootstrap = "bootstrap"
)

var (
	python = &language{
		name: "Python", family: "python", extensions: []string{".py"},
		manifest: "requirements.txt", handler: pythonHandler, pack: packFiles,
	}
	javascript = &language{
		name: "JavaScript", family: "nodejs", extensions: []string{".mjs", ".js", ".cjs"},
		manifest: "package.json", handler: nodeHandler, pack: packFiles,
	}
	typescript = &language{
		name: "TypeScript", family: "nodejs", extensions: []string{".ts", ".mts"},
		manifest: "package.json", handler: nodeHandler, pack: packTypeScript,
	}
	golang = &language{name: "Go", extensions: []string{".go"}, pack: packGo}
	ready  = &language{name: "a bootstrap", pack: packFiles}
)

// understand finds the language, the entry, the runtime and the handler of a source.
func understand(path string, folder bool, o Options) (*source, error) {
	s := &source{options: o, dir: path}
	find := s.findInFolder
	if !folder {
		s.dir, s.entry, s.single = filepath.Dir(path), filepath.Base(path), true
		find = s.findByExtension
	}
	if err := find(); err != nil {
		return nil, err
	}
	if err := s.chooseRuntime(); err != nil {
		return nil, err
	}
	return s, s.chooseHandler()
}

func (s *source) findByExtension() error {
	for _, l := range []*language{python, javascript, typescript, golang} {
		if slices.Contains(l.extensions, filepath.Ext(s.entry)) {
			s.language = l
			return nil
		}
	}
	return fmt.Errorf("it is no source that Lambent knows: use a folder, a .zip, or a .py, .js, .mjs, .ts or .go file")
}

// chooseRuntime takes the given runtime or the newest that fits the language.
func (s *source) chooseRuntime() (err error) {
	s.runtime = s.options.Runtime
	if s.runtime == "" {
		s.guessed = cmp.Or(s.entry, s.language.name)
	}
	switch {
	case s.runtime != "":
	case s.language.family == "":
		s.runtime = provided
	default:
		s.runtime, err = s.options.Newest(s.language.family)
	}
	return err
}

// chooseHandler takes the given handler or the function in the entry that looks like one.
func (s *source) chooseHandler() error {
	if s.handler = s.options.Handler; s.handler != "" {
		return nil
	}
	s.guessed = cmp.Or(s.entry, s.language.name)
	if s.language.handler == nil {
		s.handler = bootstrap
		return nil
	}
	text, err := os.ReadFile(filepath.Join(s.dir, s.entry))
	if err != nil {
		return err
	}
	function := s.language.handler(string(text))
	if function == "" {
		return fmt.Errorf("%s has no function named handler or lambda_handler: name yours with --handler %s.FUNCTION", s.entry, s.module())
	}
	s.handler = s.module() + "." + function
	return nil
}

// module is the entry as a handler names it.
func (s *source) module() string {
	return filepath.ToSlash(strings.TrimSuffix(s.entry, filepath.Ext(s.entry)))
}

func (s *source) pack(ctx context.Context) (*Package, error) {
	files, err := s.language.pack(ctx, s)
	if err != nil {
		return nil, err
	}
	zipped, err := zipFiles(files)
	if err != nil {
		return nil, err
	}
	return &Package{Runtime: s.runtime, Handler: s.handler, Zip: zipped, Guessed: s.guessed, Notes: s.notes}, nil
}

// noteDependencies says that dependencies are named and not installed.
func (s *source) noteDependencies() {
	m := s.language.manifest
	if m != "requirements.txt" {
		return // npm's node_modules is in the folder or it is not: esbuild or Node will say
	}
	if _, err := os.Stat(filepath.Join(s.dir, m)); err == nil {
		s.notes = append(s.notes, m+" was not installed into the package; --install does that")
	}
}
