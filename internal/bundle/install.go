package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// install copies the source into a folder of its own and installs its dependencies there,
// so that the person's folder stays as it is. The folder holds until done.
func (s *source) install(ctx context.Context) (done func(), err error) {
	l := s.language
	if l.manifest == "" {
		return func() {}, nil // Go has them built in
	}
	if !s.has(l.manifest) {
		return nil, fmt.Errorf("--install: there is no %s in %s", l.manifest, s.dir)
	}
	dir, err := os.MkdirTemp("", "lambent-install-")
	if err != nil {
		return nil, err
	}
	done = func() { _ = os.RemoveAll(dir) } // only a copy
	if err := s.stage(dir); err != nil {
		done()
		return nil, err
	}
	s.dir = dir
	if err := s.installer().run(ctx, s.options.Progress); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// stage copies what the package is made of.
func (s *source) stage(dir string) error {
	files, err := s.toStage()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := stageOne(dir, f); err != nil {
			return err
		}
	}
	return nil
}

func stageOne(dir string, f file) error {
	path, mode := filepath.Join(dir, filepath.FromSlash(f.name)), fs.FileMode(0o644)
	if f.executable {
		mode = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, f.content, mode)
}

// toStage is the folder, or of a single file the file and what names its dependencies.
func (s *source) toStage() ([]file, error) {
	if !s.single {
		return readFolder(s.dir, func(name string) bool { return name == "node_modules" })
	}
	var files []file
	for _, name := range []string{s.entry, s.language.manifest, "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(s.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, content: content})
	}
	return files, nil
}

// installer is the tool that installs the dependencies into the folder.
func (s *source) installer() tool {
	if s.language == python {
		return tool{
			name: cmp.Or(s.options.Interpreter(s.runtime), "python3"), dir: s.dir,
			args: []string{
				"-m", "pip", "install", "--requirement", s.language.manifest, "--target", s.dir,
				"--no-compile", "--quiet", "--disable-pip-version-check",
			},
			env:     []string{"PIP_ROOT_USER_ACTION=ignore"}, // an option that old ones do not know
			missing: "install Python, or put the packages into the folder and deploy without --install",
		}
	}
	verb := "install"
	if s.has("package-lock.json") {
		verb = "ci"
	}
	return tool{
		name: "npm", dir: s.dir, args: []string{verb, "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"},
		missing: "install npm, or run it elsewhere and deploy without --install",
	}
}
