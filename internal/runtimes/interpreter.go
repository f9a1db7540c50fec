package runtimes

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/semver"
	"golang.org/x/sync/singleflight"
)

// Found is an interpreter on this host.
type Found struct {
	Runtime string // "python3.12", "nodejs22.x"
	Path    string // of the program, on the host
	Version string // "3.12.1"
	prefix  string // folder to mount at /var/lang; "" = it is below /usr, which every sandbox shows
	library string // folder of its shared library inside a sandbox; "" = the system's
}

// interpreters remembers what was found.
type interpreters struct {
	search singleflight.Group
	mu     sync.Mutex
	known  map[string]Found // guarded by mu; key: runtime
}

// probeLimit bounds the run of an interpreter that was found; a first start from a
// cold disk takes seconds.
const probeLimit = 20 * time.Second

var errProbeLimit = fmt.Errorf("the interpreter did not answer within %v", probeLimit)

// pythonFolders are the patterns of the folders where Python is looked for: the
// distribution's, pyenv's (PYENV_ROOT or ~/.pyenv), and below /opt.
func pythonFolders() []string {
	return folders("PYENV_ROOT", ".pyenv", "versions/*/bin", "/opt/python*")
}

// folders are the distribution's, those below a version manager's home, which a variable
// names or which is in the user's home, and those of programs unpacked below /opt.
func folders(variable, home, below, opt string) []string {
	search := []string{"/usr/bin", "/usr/local/bin"}
	manager := os.Getenv(variable)
	if user, err := os.UserHomeDir(); manager == "" && err == nil {
		manager = filepath.Join(user, home)
	}
	if manager != "" {
		search = append(search, filepath.Join(manager, below))
	}
	return append(search, opt+"/bin", opt+"/*/bin")
}

// List runs every interpreter that can be found, for doctor. It takes as long as
// their starts.
func (c *Catalogue) List() []Found {
	var list []Found
	for _, id := range pythons {
		if found, err := c.interpreter(id); err == nil {
			list = append(list, found)
		}
	}
	return append(list, c.listNodes()...)
}

// interpreter finds a runtime's interpreter, or says where it was looked for.
func (c *Catalogue) interpreter(id string) (Found, error) {
	if found, ok := c.found.get(id); ok {
		return found, nil
	}
	result, err, _ := c.found.search.Do(id, func() (any, error) {
		found, err := c.find(id)
		if err == nil {
			c.found.put(found)
		}
		return found, err
	})
	return result.(Found), err
}

// get forgets what is not there any more.
func (i *interpreters) get(id string) (Found, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found, ok := i.known[id]
	if !ok {
		return Found{}, false
	}
	if _, err := os.Stat(found.Path); err != nil {
		delete(i.known, id)
		return Found{}, false
	}
	return found, true
}

func (i *interpreters) put(found Found) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil {
		i.known = map[string]Found{}
	}
	i.known[found.Runtime] = found
}

func (c *Catalogue) find(id string) (Found, error) {
	var broken []error
	for _, path := range c.candidates(id) {
		found, err := c.probe(id, path)
		if err == nil {
			return found, nil
		}
		broken = append(broken, fmt.Errorf("%s: %w", path, err))
	}
	if len(broken) > 0 {
		return Found{}, fmt.Errorf("%w: no usable %s: %w", ErrUnavailable, id, errors.Join(broken...))
	}
	return Found{}, fmt.Errorf("%w: looked for the program %s in %s: install it there, or choose another runtime",
		ErrUnavailable, id, strings.Join(c.search, ", "))
}

// candidates lists the programs of a runtime, best first. Of one pattern's folders
// the newest version is first.
func (c *Catalogue) candidates(id string) []string {
	return bestFirst(c.search, id, versionOf)
}

func bestFirst(patterns []string, program string, version func(path string) string) []string {
	var all []string
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(pattern, program))
		if err != nil {
			continue // a bad pattern matches nothing
		}
		slices.SortStableFunc(paths, func(a, b string) int {
			return cmp.Or(semver.Compare(version(b), version(a)), strings.Compare(a, b))
		})
		all = append(all, paths...)
	}
	return all
}

// versionOf reads the version in …/3.12.1/bin/python3.12.
func versionOf(path string) string {
	return "v" + strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(path))), "python")
}

// probeProgram says what an interpreter is, and compiles the bootstrap for it.
//
//go:embed python/probe.py
var probeProgram string

// probe runs an interpreter once. What it needs to start must all be in one folder,
// which can be mounted.
func (c *Catalogue) probe(id, path string) (Found, error) {
	prefix, err := prefixOf(path)
	if err != nil {
		return Found{}, err
	}
	answer, err := runProbe(path, prefix, c.bootstrap)
	if err != nil {
		return Found{}, err
	}
	version, home, _ := strings.Cut(answer, "\n")
	if !strings.HasPrefix("python"+version, id+".") {
		return Found{}, fmt.Errorf("it is Python %.20q", version)
	}
	if home, err = filepath.EvalSymlinks(home); err != nil || prefix != "" && home != prefix {
		return Found{}, fmt.Errorf("its library is in %.200q, not beside it", home)
	}
	return Found{Runtime: id, Path: path, Version: version, prefix: prefix, library: libraryOf(path, prefix)}, nil
}

// libraryOf is where a shared libpython is, inside. A sandbox has no cache of
// ldconfig(8), which is what finds /usr/local/lib on the host.
func libraryOf(path, prefix string) string {
	switch {
	case prefix != "":
		return languageDir + "/lib"
	case strings.HasPrefix(path, "/usr/local/"):
		return "/usr/local/lib"
	default:
		return ""
	}
}

// prefixOf is the folder above bin, "" for programs below /usr. The program itself
// must be in it, too: a link to elsewhere dangles inside a sandbox.
func prefixOf(path string) (string, error) {
	program, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(program, "/usr/") && strings.HasPrefix(path, "/usr/") {
		return "", nil
	}
	prefix, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(path)))
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(program, prefix+"/") {
		return "", fmt.Errorf("it is a link to %s", program)
	}
	return prefix, nil
}

func runProbe(path, prefix, bootstrap string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), probeLimit, errProbeLimit)
	defer cancel()
	var stderr bytes.Buffer
	arguments := []string{"-I", "-c", probeProgram}
	for _, name := range bootstrapPackages {
		arguments = append(arguments, filepath.Join(bootstrap, name))
	}
	cmd := exec.CommandContext(ctx, path, arguments...)
	cmd.Env = []string{"LANG=C.UTF-8"}
	if prefix != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+prefix+"/lib")
	}
	cmd.Dir = "/"
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		last := bytes.TrimSpace(stderr.Bytes())
		return "", fmt.Errorf("running it: %w: %s", errors.Join(err, context.Cause(ctx)), last[max(0, len(last)-300):])
	}
	return strings.TrimSpace(string(out)), nil
}
