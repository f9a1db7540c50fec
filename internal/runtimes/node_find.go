package runtimes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/semver"
)

// nodePrograms remembers what the programs called node said of themselves. Unlike
// Python's, their name has no version: one that was replaced is asked again.
type nodePrograms struct {
	mu   sync.Mutex
	said map[string]nodeAnswer // guarded by mu; key: path
}

// nodeAnswer is what one program said, while it is the same file.
type nodeAnswer struct {
	size     int64
	modified time.Time
	found    Found
}

// nodeFolders are the patterns of the folders where Node is looked for: the
// distribution's and nodesource's, nvm's (NVM_DIR or ~/.nvm), and below /opt.
func nodeFolders() []string {
	return folders("NVM_DIR", ".nvm", "versions/node/*/bin", "/opt/node*")
}

// listNodes returns the best program of every version.
func (c *Catalogue) listNodes() []Found {
	var list []Found
	for _, id := range nodeVersions {
		if found, err := c.findNode(id); err == nil {
			list = append(list, found)
		}
	}
	return list
}

// findNode finds a runtime's program, or says what was found instead.
func (c *Catalogue) findNode(id string) (Found, error) {
	var instead []string
	for _, path := range c.nodeCandidates() {
		found, err := c.nodes.ask(path)
		switch {
		case err != nil:
			instead = append(instead, fmt.Sprintf("%s does not work: %v", path, err))
		case found.Runtime == id:
			return found, nil
		default:
			instead = append(instead, fmt.Sprintf("%s is Node.js %s", path, found.Version))
		}
	}
	if len(instead) == 0 {
		instead = []string{"found none"}
	}
	return Found{}, fmt.Errorf("%w: looked for Node.js %s, the program node, in %s: %s: install it in one of these, or choose another runtime",
		ErrUnavailable, majorOf(id), strings.Join(c.nodeSearch, ", "), strings.Join(instead, "; "))
}

// nodeCandidates lists the programs as candidates does.
func (c *Catalogue) nodeCandidates() []string { return bestFirst(c.nodeSearch, "node", nodeVersionOf) }

// nodeVersionOf reads the version in …/v22.1.0/bin/node.
func nodeVersionOf(path string) string {
	return "v" + strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(path))), "v")
}

// ask returns what the program at path said, running it if it is new.
func (n *nodePrograms) ask(path string) (Found, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Found{}, err
	}
	n.mu.Lock() // held while it runs: the others wait for the same answer
	defer n.mu.Unlock()
	known, ok := n.said[path]
	if ok && known.size == info.Size() && known.modified.Equal(info.ModTime()) {
		return known.found, nil
	}
	found, err := askNode(path)
	if err != nil {
		return Found{}, err
	}
	if n.said == nil {
		n.said = map[string]nodeAnswer{}
	}
	n.said[path] = nodeAnswer{info.Size(), info.ModTime(), found}
	return found, nil
}

func askNode(path string) (Found, error) {
	prefix, err := prefixOf(path)
	if err != nil {
		return Found{}, err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), probeLimit, errProbeLimit)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env, cmd.Dir, cmd.Stderr, cmd.WaitDelay = []string{"LANG=C.UTF-8"}, "/", &stderr, time.Second
	out, err := cmd.Output()
	if err != nil {
		last := bytes.TrimSpace(stderr.Bytes())
		return Found{}, fmt.Errorf("running it: %w: %s", errors.Join(err, context.Cause(ctx)), last[max(0, len(last)-300):])
	}
	version := strings.TrimSpace(string(out))
	if !semver.IsValid(version) {
		return Found{}, fmt.Errorf("it says %.40q, which is no version", version)
	}
	id := "nodejs" + strings.TrimPrefix(semver.Major(version), "v") + ".x"
	return Found{Runtime: id, Path: path, Version: version[1:], prefix: prefix}, nil
}
