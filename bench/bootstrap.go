package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"lambent.dev/lambent/internal/runtimes"
)

// writeBootstrap puts Lambent's Python bootstrap where python3 can be started with it.
func (s *session) writeBootstrap() error {
	dir := filepath.Join(s.dir, "bootstrap")
	if _, err := runtimes.New(runtimes.Options{Dir: dir}); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(dir, "python-*"))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("the bootstrap of Python is not below " + dir)
	}
	s.bootstrap = found[0]
	return nil
}

// modules are those that Lambent keeps loaded for functions of Python, as its own zygote lists
// them.
func (s *session) modules(ctx context.Context) ([]string, error) {
	if s.o.Python.Path == "" {
		return nil, errNoInterpreter
	}
	list := "import sys; sys.path.insert(0, " + pythonString(s.bootstrap) + "); from lambent_zygote.library import MODULES; print(*MODULES)"
	out, err := exec.CommandContext(ctx, s.o.Python.Path, "-c", list).Output()
	if err != nil {
		return nil, fmt.Errorf("asking Lambent's zygote for its modules: %w", err)
	}
	return strings.Fields(string(out)), nil
}
