package runtimes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// whoAmI answers with where Node is in its sandbox, and which it is.
var whoAmI = app("exports.handler = async () => process.execPath + ' ' + process.version;")

// TestNodeOfNVM: real programs, linked to where nvm puts them, are found in the folders that a server
// looks in by itself, and run functions.
func TestNodeOfNVM(t *testing.T) {
	for _, in := range []string{"home", "NVM_DIR"} {
		t.Run(in, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("NVM_DIR", "")
			nvm := filepath.Join(home, ".nvm")
			if in == "NVM_DIR" {
				nvm = filepath.Join(home, "elsewhere")
				t.Setenv("NVM_DIR", nvm)
			}
			c := newNodeCatalogue(t)
			for _, node := range installedNodes(t) {
				bin := filepath.Join(nvm, "versions", "node", "v"+node.Version, "bin")
				link(t, node.Path, filepath.Join(bin, "node"))
				runsFrom(t, c, node.Runtime, filepath.Join(bin, "node"), "/var/lang/bin/node v"+node.Version)
			}
		})
	}
}

// inPlaceOf is set in a process whose /usr/bin/node may be replaced, to what replaces it.
const inPlaceOf = "TEST_NODE_IN_PLACE"

// TestNodeOfNodesource: its package puts the same program that others install elsewhere to
// /usr/bin/node, where Debian has its own, which links libraries of Debian. That one is the host's in all
// other tests (eachNode).
func TestNodeOfNodesource(t *testing.T) {
	if path := os.Getenv(inPlaceOf); path != "" {
		usrBinNode(t, path)
		return
	}
	for _, node := range installedNodes(t) {
		c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		c.Env, c.Stdout, c.Stderr = append(os.Environ(), inPlaceOf+"="+node.Path), t.Output(), t.Output()
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
		if err := c.Run(); err != nil {
			t.Errorf("%s as /usr/bin/node: %v", node.Runtime, err)
		}
	}
}

// usrBinNode is in a mount namespace of its own.
func usrBinNode(t *testing.T, path string) {
	for _, arguments := range [][]string{{"--make-rprivate", "/"}, {"--bind", path, "/usr/bin/node"}} {
		if out, err := exec.Command("mount", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("mount %v: %v: %s", arguments, err, out)
		}
	}
	real, err := askNode(path)
	if err != nil {
		t.Fatal(err)
	}
	runsFrom(t, newNodeCatalogue(t), real.Runtime, "/usr/bin/node", "/usr/bin/node v"+real.Version)
}

// runsFrom fails unless a runtime's program is found at a path, and a function that runs in it says so.
func runsFrom(t *testing.T, c *Catalogue, id, path, says string) {
	t.Helper()
	found, err := c.findNode(id)
	if err != nil || found.Path != path {
		t.Fatalf("%s was found at %q, %v, not at %s", id, found.Path, err, path)
	}
	p := start(t, c, function{runtime: id, handler: "index.handler", files: whoAmI}).ready()
	if got := strings.Trim(p.invoke("{}"), `"`); got != says {
		t.Errorf("%s: it says %q, want %q", id, got, says)
	}
}

// installedNodes are those of nodePackages. The host has to have one of its own, whose place is taken.
func installedNodes(t *testing.T) (list []Found) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: mounts the folders of a sandbox in a namespace of its own")
	}
	if _, err := os.Stat("/usr/bin/node"); err != nil {
		lacking(t, "needs Debian's Node: "+err.Error())
	}
	manyNodes.once.Do(findManyNodes)
	if manyNodes.lacking != "" {
		lacking(t, manyNodes.lacking)
	}
	for _, found := range manyNodes.catalogue.listNodes() {
		if strings.HasPrefix(found.Path, sharedDir) {
			list = append(list, found)
		}
	}
	if len(list) < 2 {
		t.Fatalf("installed were only %v", list)
	}
	return list
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(from, to); err != nil {
		t.Fatal(err)
	}
}
