package runtimes

import (
	"cmp"
	"encoding/binary"
	"maps"
	"os/exec"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// compiles says whether packages are compiled for a runtime of the host.
func compiles(t *testing.T, c *Catalogue, id string) Compiler {
	t.Helper()
	compiler, err := c.Compiler(&lambda.Version{Runtime: id, MemorySize: 128})
	if err != nil {
		t.Skip(err)
	}
	return compiler
}

// compile runs the compiler on a package and returns what it made, by the paths in the package.
func (c Compiler) compile(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	args := []string{"-m", "--propagation", "private", "sh", "-c", box, "box", folder(t, files), TaskRoot}
	for _, m := range c.Mounts {
		args = append(args, m.Source, m.Target)
	}
	args = append(append(append(args, "--", c.Command.Path), c.Command.Args...), TaskRoot)
	run := exec.CommandContext(t.Context(), "unshare", args...)
	run.Env = c.Command.Env
	var said strings.Builder
	run.Stderr = &said
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	made := map[string]string{}
	for out = []byte(strings.TrimPrefix(string(out), "LBC1")); len(out) > 6; {
		name, code := int(binary.BigEndian.Uint16(out)), int(binary.BigEndian.Uint32(out[2:]))
		made[c.Cache+"/"+string(out[6:6+name])] = string(out[6+name : 6+name+code])
		out = out[6+name+code:]
	}
	return made
}

// withCompiled is a package as functions see it.
func withCompiled(files map[string]string, made map[string]string) map[string]string {
	all := maps.Clone(files)
	maps.Copy(all, made)
	return all
}

// large is a package of both kinds of modules whose top levels say that they run.
var large = map[string]string{
	"index.js": `console.log('ran index'); const b = require('./lib/b'); exports.handler = async () => b.two() + (await import('./m.mjs')).three;`,
	"lib/b.js": `console.log('ran b'); exports.two = () => 2; // ` + strings.Repeat("x", 1000),
	"m.mjs":    `console.log('ran m'); export const three = 3;`, "esm/package.json": `{"type":"module"}`, "esm/e.js": `import fs from 'fs'; console.log('ran e'); export default await 1;`,
	"bad.js": `function (`, "data.json": `{}`,
}

// accepted ends the process and counts the modules that V8 took from what was compiled, as Node
// tells when it is asked.
func (p *process) accepted() int {
	p.kill()
	return strings.Count(p.out.String(), "was accepted")
}

// TestNodeCompileCache: what the compiler makes, of which nothing runs, is taken by a start from the
// same sources with the same flags, and by no other; each of them answers alike.
func TestNodeCompileCache(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		made := compiles(t, c, id).compile(t, large)
		for _, code := range made {
			if strings.HasPrefix(code, "ran") {
				t.Errorf("the compiler ran the package: %q", code)
			}
		}
		if len(made) != 4 {
			t.Errorf("%d sources were compiled, want 4", len(made))
		}
		changed := maps.Clone(large)
		changed["lib/b.js"] = strings.Replace(large["lib/b.js"], "=> 2", "=> 7", 1)
		for _, test := range []struct {
			name     string
			files    map[string]string
			env      string
			accepted int
			answer   string
		}{
			{"same", large, "X", 3, "5"},
			{"other flags", large, "NODE_OPTIONS=--interpreted-frames-native-stack", 0, "5"},
			{"another source", changed, "X", 2, "10"},
			{"not wanted", large, "NODE_DISABLE_COMPILE_CACHE", 0, "5"},
			{"no cache", nil, "X", 0, "5"},
		} {
			t.Run(test.name, func(t *testing.T) {
				files := large
				if test.files != nil {
					files = withCompiled(test.files, made)
				}
				name, value, _ := strings.Cut(test.env, "=")
				p := start(t, c, function{runtime: id, handler: "index.handler", files: files, readOnly: true, env: map[string]string{
					"NODE_DEBUG_NATIVE": "COMPILE_CACHE", name: cmp.Or(value, "1"),
				}}).ready()
				if got := p.invoke("{}"); got != test.answer {
					t.Errorf("it answers %s, want %s", got, test.answer)
				}
				if got := p.accepted(); got != test.accepted {
					t.Errorf("%d modules were compiled before, want %d: %s", got, test.accepted, p.out)
				}
			})
		}
	})
}

// TestNodeCompileCacheIsNotWritten: a folder that Node could write to is not used, as it would.
func TestNodeCompileCacheIsNotWritten(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		made := compiles(t, c, id).compile(t, large)
		p := start(t, c, function{runtime: id, handler: "index.handler", files: withCompiled(large, made), env: map[string]string{"NODE_DEBUG_NATIVE": "COMPILE_CACHE"}}).ready()
		if got := p.invoke("{}"); got != "5" || p.accepted() != 0 {
			t.Errorf("it answers %s: %s", got, p.out)
		}
	})
}

// TestCompiledKinds: what depends on the size of the heap is named by it.
func TestCompiledKinds(t *testing.T) {
	for want, v := range map[string]lambda.Version{
		"python3.12": {Runtime: "python3.12", MemorySize: 512}, "nodejs22.x-512": {Runtime: "nodejs22.x", MemorySize: 512},
		"nodejs22.x-10240": {Runtime: "nodejs22.x", MemorySize: 10240},
	} {
		if got := CompiledKind(&v); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if _, err := shared.Compiler(&lambda.Version{Runtime: "provided.al2023"}); err == nil {
		t.Error("there is a compiler for programs")
	}
}
