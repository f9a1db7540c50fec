package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// source is where Debian's packages of an architecture come from, by this machine's apt.
type source struct {
	arch    string   // as Go and Debian name it
	options []string // of apt's programs; none for this machine's own architecture
	dir     string   // of apt's lists and archives for another; "" = the machine's own
}

// openSource readies apt for an architecture. For another than this machine's it has lists and
// archives of its own, below dir, and thinks that nothing is installed: so what a package needs, it
// fetches, and nothing of it comes into this system.
func openSource(ctx context.Context, arch, dir string) (_ *source, err error) {
	s := &source{arch: arch}
	if arch == runtime.GOARCH {
		return s, nil
	}
	if s.dir, err = os.MkdirTemp(dir, unfinished); err != nil {
		return nil, err
	}
	for _, name := range []string{"lists/partial", "archives/partial"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(s.dir, name), 0o755))
	}
	status := filepath.Join(s.dir, "status")
	if err = errors.Join(err, os.WriteFile(status, nil, 0o644)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for _, option := range []string{
		"APT::Architecture=" + arch, "APT::Architectures::=" + arch, "APT::Sandbox::User=root", "Dir::State::status=" + status,
		"Dir::State::lists=" + filepath.Join(s.dir, "lists"), "Dir::Cache::archives=" + s.archives(), "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=",
	} {
		s.options = append(s.options, "-o", option)
	}
	if _, err := s.run(ctx, "apt-get", "update", "-qq"); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// foreign says whether it is another architecture's than this machine's.
func (s *source) foreign() bool { return s.dir != "" }

func (s *source) archives() string { return filepath.Join(s.dir, "archives") }

func (s *source) run(ctx context.Context, program string, args ...string) ([]byte, error) {
	return output(ctx, program, slices.Concat(s.options, args)...)
}

// fetch brings packages and all that they need, and returns the paths of their files.
func (s *source) fetch(ctx context.Context, names []string) ([]string, error) {
	_, err := s.run(ctx, "apt-get", append([]string{"install", "-y", "-qq", "--download-only", "--no-install-recommends"}, names...)...)
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(s.archives(), "*.deb"))
}

func (s *source) close() error {
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
