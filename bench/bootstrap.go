package bench

import (
	"path/filepath"

	"lambent.dev/lambent/internal/runtimes"
)

// writeBootstrap puts Lambent's Python bootstrap where python3 can be started with it.
func (s *session) writeBootstrap() error {
	dir := filepath.Join(s.dir, "bootstrap")
	if _, err := runtimes.New(runtimes.Options{Dir: dir}); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(dir, "python-*"))
	if err == nil && len(found) > 0 {
		s.bootstrap = found[0]
	}
	return err
}
