package bytecode_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/internal/bytecode"
	"lambent.dev/lambent/internal/code"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
	"lambent.dev/lambent/internal/sandbox/process"
)

// zips keeps packages in memory.
type zips map[string][]byte

type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

func (z zips) Open(_ context.Context, digest string) (io.ReadSeekCloser, error) {
	b, ok := z[digest]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return blob{bytes.NewReader(b)}, nil
}

// modified is when all sources were.
var modified = time.Unix(1_700_000_000, 0)

// put makes a package of files by name.
func (z zips) put(t testing.TB, files map[string]string) (digest string) {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, body := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Modified: modified})
		if err == nil {
			_, err = io.WriteString(f, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(buf.Bytes())
	digest = hex.EncodeToString(sum[:])
	z[digest] = buf.Bytes()
	return digest
}

// rig is a maker on a real driver.
type rig struct {
	*bytecode.Maker
	t        *testing.T
	tier     lambda.Tier
	zips     zips
	program  string // runs in the compiler's place; "" = the compiler
	packages *code.Packages
	found    []runtimes.Found // Pythons of this host
	log      *lines
}

// lines keeps a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// account is whose code is compiled.
const account = "111111111111"

func newRig(t *testing.T, d sandbox.Driver, s bytecode.Settings) *rig {
	t.Helper()
	features, err := d.Probe(t.Context())
	if errors.Is(err, sandbox.ErrUnavailable) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	folder := openFolder(t)
	r := &rig{t: t, tier: features.Tier, zips: zips{}, log: &lines{}}
	catalogue, err1 := runtimes.New(runtimes.Options{Dir: filepath.Join(folder, "runtimes")})
	r.packages, err = code.New(filepath.Join(folder, "code"), r.zips)
	if err := errors.Join(err, err1); err != nil {
		t.Fatal(err)
	}
	for _, f := range catalogue.List() {
		if strings.HasPrefix(f.Runtime, "python") {
			r.found = append(r.found, f)
		}
	}
	if len(r.found) == 0 {
		t.Skip("the host has no Python")
	}
	var once sync.Once
	var template sandbox.Template
	r.Maker = bytecode.New(bytecode.Deps{
		Packages: r.packages, Compiler: r.compiler(catalogue), Owner: "bytecode-test",
		Templates: func(ctx context.Context, _ lambda.Tier, b sandbox.Base) (_ sandbox.Template, err error) {
			if b.Trust != account {
				t.Errorf("code of account %s is compiled where %q is trusted", account, b.Trust)
			}
			once.Do(func() { template, err = d.Prepare(ctx, b) })
			return template, err
		},
		Log: slog.New(slog.NewTextHandler(r.log, nil)),
	}, s)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-ended
		if template != nil {
			_ = template.Close()
		}
	})
	return r
}

// compiler is the catalogue's, until a test has taken its place.
func (r *rig) compiler(c *runtimes.Catalogue) func(*lambda.Version) (runtimes.Compiler, error) {
	return func(v *lambda.Version) (runtimes.Compiler, error) {
		found, err := c.Compiler(v)
		if r.program != "" {
			found.Command.Args = []string{"-I", "-S", "-c", "import os, struct, sys, time\nout = sys.stdout.buffer\n" + r.program}
		}
		return found, err
	}
}

// openFolder is a temporary folder that every uid may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "lambent-bytecode-") // t.TempDir is closed to other uids
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// target is a version with code and layers.
func (r *rig) target(runtime, digest string, layers ...string) *lambda.Target {
	v := lambda.Version{Runtime: runtime, Code: lambda.Code{Digest: digest}}
	for _, layer := range layers {
		v.Layers = append(v.Layers, lambda.LayerRef{Digest: layer})
	}
	return &lambda.Target{ID: lambda.FunctionID{Account: account, Name: "fn"}, Tier: r.tier, Version: v}
}

// compile waits until a package is compiled and returns what functions see.
func (r *rig) compile(runtime, digest string, layers ...string) (folder string) {
	r.t.Helper()
	r.Prepare(r.t.Context(), r.target(runtime, digest, layers...))
	name := digest
	if len(layers) > 0 {
		name = lambda.LayersDigest(layers)
	}
	r.await(func() (decided bool) {
		folder, decided = r.packages.Variant(name, runtime)
		return decided
	})
	return folder
}

// compiledHere asks an interpreter which of the modules it had to compile itself.
const compiledHere = `
import sys, importlib.machinery
sys.path.insert(0, sys.argv[1])
found = []
original = importlib.machinery.SourceFileLoader.source_to_code
def counting(self, data, path, **options):
    found.append(self.name)
    return original(self, data, path, **options)
importlib.machinery.SourceFileLoader.source_to_code = counting
for name in sys.argv[2:]:
    try:
        __import__(name)
    except SyntaxError:
        pass
print(" ".join(found))
`

// ask imports modules from a folder and returns those that were compiled for it.
func (r *rig) ask(f runtimes.Found, folder string, modules ...string) []string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), f.Path, append([]string{"-I", "-S", "-B", "-c", compiledHere, folder}, modules...)...)
	cmd.Env = []string{"LD_LIBRARY_PATH=" + filepath.Join(filepath.Dir(filepath.Dir(f.Path)), "lib")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", f.Runtime, err, out)
	}
	return strings.Fields(string(out))
}

// drivers are the real ones. Each gets the tests below.
func drivers(t *testing.T) map[string]sandbox.Driver {
	t.Helper()
	folder := openFolder(t)
	inits := filepath.Join(folder, "lambent-init")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", inits, "lambent.dev/lambent/cmd/lambent-init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	boxes, err := light.New(light.Options{Init: inits, Owner: "bytecode-test", Dir: filepath.Join(folder, "light"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]sandbox.Driver{
		"light":   boxes,
		"process": process.New(process.Options{Owner: "bytecode-test", Dir: filepath.Join(folder, "process"), Allow: true}),
	}
}

func TestOnRealDrivers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real sandboxes")
	}
	for name, d := range drivers(t) {
		t.Run(name, func(t *testing.T) {
			t.Run("every runtime on one package", func(t *testing.T) { testRuntimes(newRig(t, d, bytecode.Settings{})) })
			t.Run("bytecode of the package", func(t *testing.T) { testBrought(newRig(t, d, bytecode.Settings{})) })
			t.Run("nothing to compile", func(t *testing.T) { testNothing(newRig(t, d, bytecode.Settings{})) })
			t.Run("layers", func(t *testing.T) { testLayers(newRig(t, d, bytecode.Settings{})) })
			t.Run("limit of time", func(t *testing.T) { testLimit(newRig(t, d, bytecode.Settings{Limit: 3 * time.Second})) })
			t.Run("hostile sandbox", func(t *testing.T) { testHostile(newRig(t, d, bytecode.Settings{})) })
			t.Run("sandbox that does not end", func(t *testing.T) { testSilent(newRig(t, d, bytecode.Settings{Limit: 3 * time.Second})) })
			t.Run("sandbox that dies", func(t *testing.T) { testDies(newRig(t, d, bytecode.Settings{})) })
			t.Run("a package that is lost", func(t *testing.T) { testLost(newRig(t, d, bytecode.Settings{})) })
		})
	}
}

// Each runtime sees its own bytecode and no other's; a source that does not compile costs
// itself only.
func testRuntimes(r *rig) {
	digest := r.zips.put(r.t, map[string]string{
		"app.py": "import pkg.deep\n", "pkg/__init__.py": "", "pkg/deep.py": "x = 'é'\n", "latin.py": "# coding: latin-1\nx = '\xe9'\n",
		"broken.py": "def f(:\n", "data.txt": "x", "node.js": "1",
	})
	for _, f := range r.found {
		folder := r.compile(f.Runtime, digest)
		if folder == "" || r.Folder(&lambda.Version{Runtime: f.Runtime}, digest) != folder {
			r.t.Fatalf("%s sees %q\n%s", f.Runtime, folder, r.log)
		}
		if got := r.ask(f, folder, "app", "latin", "broken"); !slices.Equal(got, []string{"broken"}) {
			r.t.Errorf("%s compiled %q", f.Runtime, got)
		}
		files, err := filepath.Glob(filepath.Join(folder, "__pycache__", "*"))
		if err != nil || len(files) != 2 {
			r.t.Errorf("%s sees %q, %v", f.Runtime, files, err)
		}
	}
	plain, err := r.packages.Folder(r.t.Context(), digest)
	if _, missing := os.Lstat(filepath.Join(plain, "__pycache__")); err != nil || !errors.Is(missing, fs.ErrNotExist) {
		r.t.Errorf("the package itself was changed: %v, %v", err, missing)
	}
	if r.Folder(&lambda.Version{Runtime: "nodejs20.x"}, digest) != "" {
		r.t.Error("a Node function sees bytecode of Python")
	}
}

// Bytecode that a package brings stays if an import takes it, and is replaced, in the copy
// only, if it does not.
func testBrought(r *rig) {
	f := r.found[0]
	cached := "__pycache__/%s.cpython-" + strings.ReplaceAll(strings.TrimPrefix(f.Runtime, "python"), ".", "") + ".pyc"
	name := func(module string) string { return strings.Replace(cached, "%s", module, 1) }
	first := r.compile(f.Runtime, r.zips.put(r.t, map[string]string{"good.py": "x = 1\n"}))
	valid, err := os.ReadFile(filepath.Join(first, name("good")))
	if err != nil {
		r.t.Fatal(err)
	}
	code := valid[16:]
	timed := binary.LittleEndian.AppendUint32(slices.Clone(valid[:4]), 0) // valid by the time and size of its source
	timed = binary.LittleEndian.AppendUint32(timed, uint32(modified.Unix()))
	timed = append(binary.LittleEndian.AppendUint32(timed, uint32(len("x = 1\n"))), code...)
	stale := slices.Clone(valid)
	stale[4] = 0 // with a time, which is not that of the source
	digest := r.zips.put(r.t, map[string]string{
		"good.py": "x = 1\n", name("good"): string(valid) + "brought", "timed.py": "x = 1\n", name("timed"): string(timed) + "brought", "stale.py": "x = 2\n", name("stale"): string(stale), "torn.py": "x = 3\n", name("torn"): "torn",
	})
	folder := r.compile(f.Runtime, digest)
	if got := r.ask(f, folder, "good", "timed", "stale", "torn"); len(got) != 0 {
		r.t.Errorf("compiled %q", got)
	}
	for _, module := range []string{"good", "timed"} {
		if got, _ := os.ReadFile(filepath.Join(folder, name(module))); !bytes.HasSuffix(got, []byte("brought")) {
			r.t.Errorf("valid bytecode of %s was replaced", module)
		}
	}
	plain, _ := r.packages.Folder(r.t.Context(), digest)
	if got, _ := os.ReadFile(filepath.Join(plain, name("torn"))); string(got) != "torn" {
		r.t.Errorf("the package itself was changed: %q", got)
	}
}

func testNothing(r *rig) {
	digest := r.zips.put(r.t, map[string]string{"data.txt": "x", "broken.py": "def f(:\n"})
	if folder := r.compile(r.found[0].Runtime, digest); folder != "" {
		r.t.Errorf("made %s", folder)
	}
}

// Of two layers with one module the later one's bytecode is there, though both are of one
// size and time and the other was compiled alone before.
func testLayers(r *rig) {
	f := r.found[0]
	app := r.zips.put(r.t, map[string]string{"app.py": "x = 1\n"})
	one := r.zips.put(r.t, map[string]string{"python/shared.py": "NAME = 'one'\n", "python/only.py": "x = 1\n"})
	two := r.zips.put(r.t, map[string]string{"python/shared.py": "NAME = 'two'\n"})
	r.compile(f.Runtime, app, one)
	for _, layers := range [][]string{{one, two}, {two, one}} {
		folder := r.compile(f.Runtime, app, layers...)
		if got := r.ask(f, filepath.Join(folder, "python"), "shared", "only"); len(got) != 0 {
			r.t.Errorf("compiled %q", got)
		}
		want, _ := os.ReadFile(filepath.Join(folder, "python", "shared.py"))
		found, err := filepath.Glob(filepath.Join(folder, "python", "__pycache__", "shared.*"))
		if err != nil || len(found) != 1 {
			r.t.Fatalf("%q, %v", found, err)
		}
		code, _ := os.ReadFile(found[0])
		if name := want[len("NAME = '") : len("NAME = '")+3]; !bytes.Contains(code, name) {
			r.t.Errorf("bytecode is not of %q", want)
		}
	}
}

// What is compiled when the time is over counts, and the log says that it is not all.
func testLimit(r *rig) {
	files := map[string]string{"small.py": "x = 1\n"}
	for name := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz", "") {
		files[name+".py"] = strings.Repeat("def f(x):\n    return [x, x + 1, {x: 'x'}]\n", 22_000)
	}
	f := r.found[0]
	folder := r.compile(f.Runtime, r.zips.put(r.t, files))
	if !strings.Contains(r.log.String(), "not compiled whole") {
		r.t.Errorf("log: %s", r.log)
	}
	if got := r.ask(f, folder, "small"); len(got) != 0 {
		r.t.Errorf("compiled %q", got)
	}
}

// A failure is told once, and an activation goes on.
func testLost(r *rig) {
	missing := strings.Repeat("ab", 32)
	for range 3 {
		r.Prepare(r.t.Context(), r.target(r.found[0].Runtime, missing))
	}
	if n := strings.Count(r.log.String(), "starts from source"); n != 1 {
		r.t.Errorf("told %d times: %s", n, r.log)
	}
	if r.Shows(missing) {
		r.t.Error("it is still held")
	}
}

// An answer that breaks the rules is refused whole, and told; nothing is tried again.
func testHostile(r *rig) {
	r.program = `
def record(path, code):
    out.write(struct.pack(">HI", len(path), len(code)) + path + code)
out.write(b"LBC1")
record(b"app.py", b"fine")
record(b"../../../../../../../../../tmp/lambent-was-here.py", b"evil")
out.write(struct.pack(">HI", 0, 0))
`
	digest := r.zips.put(r.t, map[string]string{"app.py": "x = 1\n"})
	for range 2 {
		r.Prepare(r.t.Context(), r.target(r.found[0].Runtime, digest))
		r.await(func() bool { return !r.Shows(digest) })
	}
	if folder, decided := r.packages.Variant(digest, r.found[0].Runtime); decided {
		r.t.Errorf("made %q", folder)
	}
	if n := strings.Count(r.log.String(), "malformed answer"); n != 1 {
		r.t.Errorf("told %d times: %s", n, r.log)
	}
}

// An activation does not wait for a sandbox that hangs, and what came before counts.
func testSilent(r *rig) {
	r.program = `
out.write(b"LBC1" + struct.pack(">HI", 6, 4) + b"app.pyfine" + b"\0\0")
out.flush()
time.sleep(3600)
`
	digest := r.zips.put(r.t, map[string]string{"app.py": "x = 1\n"})
	r.Prepare(r.t.Context(), r.target(r.found[0].Runtime, digest))
	if _, decided := r.packages.Variant(digest, r.found[0].Runtime); decided || !r.Shows(digest) {
		r.t.Error("it has ended already")
	}
	folder := r.compile(r.found[0].Runtime, digest)
	found, _ := filepath.Glob(filepath.Join(folder, "__pycache__", "app.*"))
	if len(found) != 1 {
		r.t.Errorf("what came is not there: %q", found)
	}
}

// So does what a sandbox wrote that died.
func testDies(r *rig) {
	r.program = `
out.write(b"LBC1" + struct.pack(">HI", 6, 4) + b"app.pyfine" + struct.pack(">HI", 4, 4000))
out.flush()
os.kill(os.getpid(), 9)
`
	folder := r.compile(r.found[0].Runtime, r.zips.put(r.t, map[string]string{"app.py": "x = 1\n", "b.py": "x = 1\n"}))
	found, _ := filepath.Glob(filepath.Join(folder, "__pycache__", "*"))
	if len(found) != 1 || !strings.Contains(r.log.String(), "not compiled whole") {
		r.t.Errorf("found %q; log: %s", found, r.log)
	}
}

// await waits until something holds.
func (r *rig) await(holds func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not in a minute:\n%s", r.log)
		}
	}
}
