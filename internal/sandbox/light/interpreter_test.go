package light_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
)

// The tests of real interpreters in real boxes: what waited (forked from a zygote, or
// executed by the init) beside what is executed when it is needed.

// evaluators run the code that an event brings, by language.
var evaluators = map[string]map[string]string{
	"python": {"index.py": `
def handler(event, context):
    scope = {"__name__": "evaluated"}
    exec(event["code"], scope)
    return scope["result"]()
`},
	"nodejs": {"index.js": `
exports.handler = async (event) => Function('require', 'process', event.code)(require, process);
`},
}

// station is a driver with this host's interpreters.
type station struct {
	t         testing.TB
	driver    *light.Driver
	catalogue *runtimes.Catalogue
	said      *buffer // what the driver logged
	templates map[sandbox.Base]sandbox.Template
}

func newStation(t testing.TB) *station {
	t.Helper()
	newDriver(t) // skips where there is no light
	dir := t.TempDir()
	readable(t, dir)
	catalogue, err := runtimes.New(runtimes.Options{Dir: filepath.Join(dir, "runtimes")})
	if err != nil {
		t.Fatal(err)
	}
	said := new(buffer)
	d, err := light.New(light.Options{
		Init: initBinary, Owner: "test-" + id(t), Dir: filepath.Join(dir, "driver"), Preload: catalogue.Preload,
		Log: slog.New(slog.NewTextHandler(said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if text := said.String(); text != "" {
			t.Logf("the driver said:\n%s", text)
		}
	})
	return &station{t: t, driver: d, catalogue: catalogue, said: said, templates: map[sandbox.Base]sandbox.Template{}}
}

// readable lets functions read a folder of the test.
func readable(t testing.TB, dir string) {
	t.Helper()
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// runtimes lists what this host has of a language, best first: the newest and the oldest, or all
// of them in long rounds (make soak).
func (s *station) runtimes(language string) []string {
	ids := s.allRuntimes(language)
	if len(ids) > 2 && os.Getenv("SOAK_RUNTIMES") != "true" {
		return []string{ids[0], ids[len(ids)-1]}
	}
	return ids
}

// allRuntimes lists all that this host has of a language, best first.
func (s *station) allRuntimes(language string) (ids []string) {
	for _, found := range s.catalogue.List() {
		if strings.HasPrefix(found.Runtime, language) {
			ids = append(ids, found.Runtime)
		}
	}
	if len(ids) == 0 {
		s.t.Skip("this host has no ", language)
	}
	return ids
}

func (s *station) template(b sandbox.Base) sandbox.Template {
	s.t.Helper()
	if s.templates[b] != nil {
		return s.templates[b]
	}
	template, err := s.driver.Prepare(s.t.Context(), b)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := template.Close(); err != nil {
			s.t.Error(err)
		}
	})
	s.templates[b] = template
	return template
}

// code is what a function brings.
type code struct {
	files map[string]string // below /var/task; nil = the evaluator
	opt   map[string]string // below /opt
	env   map[string]string
}

// interpreter is one that serves a function in a box.
type interpreter struct {
	t       testing.TB
	box     sandbox.Sandbox
	process sandbox.Process
	conn    net.Conn
	out     *buffer
	launch  runtimes.Launch
}

// serve starts a function; ahead has its interpreter wait for it.
func (s *station) serve(t testing.TB, runtime string, ahead bool, c code) *interpreter {
	t.Helper()
	i := s.begin(t, runtime, ahead, c)
	i.ready()
	return i
}

// begin starts a function and does not wait.
func (s *station) begin(t testing.TB, runtime string, ahead bool, c code) *interpreter {
	t.Helper()
	b := base()
	if ahead {
		b.Preload = s.launch(t, runtime, c).Preload
		if b.Preload == "" {
			t.Fatal("nothing may wait for this")
		}
	}
	box := createNamed(t, s.template(b))
	if ahead {
		time.Sleep(50 * time.Millisecond) // or it would be found on its way
	}
	return s.into(t, box, runtime, c)
}

func (s *station) launch(t testing.TB, runtime string, c code) runtimes.Launch {
	t.Helper()
	launch, err := s.catalogue.Resolve(&lambda.Version{Runtime: runtime, MemorySize: 128, Environment: c.env})
	if err != nil {
		t.Fatal(err)
	}
	return launch
}

// into gives a generic box to a function.
func (s *station) into(t testing.TB, box sandbox.Sandbox, runtime string, c code) *interpreter {
	t.Helper()
	i := &interpreter{t: t, box: box, out: new(buffer), launch: s.launch(t, runtime, c)}
	w := workload()
	w.Mounts = append(w.Mounts, sandbox.Mount{Source: s.files(t, runtime, c.files), Target: "/var/task"})
	if c.opt != nil {
		w.Mounts = append(w.Mounts, sandbox.Mount{Source: tree(t, c.opt), Target: "/opt"})
	}
	w.Mounts = append(w.Mounts, i.launch.Mounts...)
	w.Env = []string{"_HANDLER=index.handler", "AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"}
	for name, value := range c.env {
		w.Env = append(w.Env, name+"="+value)
	}
	if err := box.Bind(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	i.run()
	return i
}

// executed starts the function again, in the same box: nothing waits there any more.
func (i *interpreter) executed() *interpreter {
	i.t.Helper()
	if err := i.box.Reset(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	i.run()
	i.ready()
	return i
}

var boxes int

// createNamed makes a stem: what waits in it rehearses.
func createNamed(t testing.TB, template sandbox.Template) sandbox.Sandbox {
	t.Helper()
	boxes++
	s, err := template.(sandbox.Background).CreateInBackground(t.Context(), fmt.Sprintf("%.40s-%d", id(t), boxes))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBox(t, s) })
	return s
}

func (s *station) files(t testing.TB, runtime string, files map[string]string) string {
	t.Helper()
	if files != nil {
		return tree(t, files)
	}
	for language, evaluator := range evaluators {
		if strings.HasPrefix(runtime, language) {
			return tree(t, evaluator)
		}
	}
	t.Fatal("no evaluator for ", runtime)
	return ""
}

// tree writes files that functions can read.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	readable(t, dir)
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (i *interpreter) run() {
	i.t.Helper()
	launch, err := i.launch, error(nil)
	i.process, err = i.box.Run(i.t.Context(), sandbox.Command{
		Path: launch.Commands[0], Args: launch.Args, Env: launch.Env, Dir: "/var/task",
		Stdout: i.out, Stderr: i.out, Stream: true, Direct: launch.Direct,
	})
	if err != nil {
		i.t.Fatal(err)
	}
	if i.conn, err = i.box.Open(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = i.conn.Close() }) // it may have ended
	if err := i.conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		i.t.Fatal(err)
	}
}

// Kinds of frames, see package runtimeapi.
const (
	frameInvoke    = 0x01
	frameReady     = 0x81
	frameInitError = 0x82
	frameResponse  = 0x83
	frameBegun     = 0x85
)

// frame reads one frame.
func (i *interpreter) frame() (kind byte, payload []byte) {
	i.t.Helper()
	var head [8]byte
	if _, err := io.ReadFull(i.conn, head[:]); err != nil {
		i.t.Fatalf("%v; it printed:\n%s", err, i.out)
	}
	payload = make([]byte, binary.BigEndian.Uint32(head[4:]))
	if _, err := io.ReadFull(i.conn, payload); err != nil {
		i.t.Fatal(err)
	}
	return head[0], payload
}

// ready waits for the end of initialisation.
func (i *interpreter) ready() {
	i.t.Helper()
	kind, payload := i.frame()
	if kind == frameBegun {
		kind, payload = i.frame()
	}
	if kind != frameReady {
		i.t.Fatalf("frame %#x %s; it printed:\n%s", kind, payload, i.out)
	}
}

// evaluate runs code in the function and decodes what it returns.
func (i *interpreter) evaluate(v any, code string) {
	i.t.Helper()
	event, err := json.Marshal(map[string]string{"code": code})
	if err != nil {
		i.t.Fatal(err)
	}
	meta := fmt.Appendf(nil, `{"id":"8d5f","deadlineMs":%d,"arn":"arn:fn"}`, time.Now().Add(time.Minute).UnixMilli())
	frame := binary.BigEndian.AppendUint32([]byte{frameInvoke, 0, 0, 0}, uint32(4+len(meta)+len(event)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(meta)))
	if _, err := i.conn.Write(slices.Concat(frame, meta, event)); err != nil {
		i.t.Fatal(err)
	}
	kind, payload := i.frame()
	if kind != frameResponse {
		i.t.Fatalf("frame %#x %s; it printed:\n%s", kind, payload, i.out)
	}
	if err := json.Unmarshal(payload, v); err != nil {
		i.t.Fatalf("%v: %s", err, payload)
	}
}
