package sandboxtest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Suite is a driver under test and what it claims to do.
type Suite struct {
	// New makes a driver. One that has a method Close() error is closed by the suite.
	New func(t testing.TB, c Config) sandbox.Driver
	// Tier is what Probe must say.
	Tier lambda.Tier
	// Isolates: mounts are real and read-only, the network is the box's own.
	Isolates bool
	// Limits: memory, processes and /tmp are bounded for all processes together.
	Limits bool
	// OwnKernel: commands run on a kernel of the box's own. The host sees none of them, and
	// what that kernel lets them do is done to the box only.
	OwnKernel bool
	// DiesOfMemory: the memory limit ends the box, not one process in it, because the host
	// knows only the box.
	DiesOfMemory bool
	// CopiesMounts: a box sees a folder as it was when it was bound.
	CopiesMounts bool
	// Removable are the protections that the driver can be told to leave off; nil = all that
	// attacks name. The rest cannot be taken away without the tier itself.
	Removable []string
	// Preloads: what Base.Preload names waits in the box and is adopted by the first Run.
	Preloads bool
	// Fits: templates are Fitters.
	Fits bool
	// Base is what templates are made of; the zero value asks for the host's root.
	Base sandbox.Base
}

// Config is what the suite gives a driver.
type Config struct {
	Owner   string       // unique on the host
	Dir     string       // an empty folder of the driver's own
	Without []string     // protections to take away, by the driver's names
	Log     *slog.Logger // writes to the test's log
	// Preload says what Base.Preload names in the suite. A driver without Suite.Preloads
	// needs not ask.
	Preload func(name string) (sandbox.Preload, error)
}

// opTimeout bounds every call of a driver: nothing may take this long on any host, not even a boot
// where a busy machine emulates the processor.
const opTimeout = 2 * time.Minute

// Run runs the conformance tests and the leak tests.
func (s Suite) Run(t *testing.T) {
	if doomed() {
		s.playDaemon(t)
		return
	}
	s.require(t)
	probe := buildProbe(t)
	before := Take(t, "")
	t.Run("Conformance", func(t *testing.T) { s.conformance(t, probe) })
	expectNoLeak(t, before)
	t.Run("Leak", func(t *testing.T) { s.leaks(t, probe) })
}

// require skips or fails where the driver is not available.
func (s Suite) require(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), opTimeout, errSlow)
	defer cancel()
	driver := s.driver(t, newConfig(t))
	_, err := driver.Probe(ctx)
	switch {
	case err == nil:
	case maySkip(err, os.Getenv("CI")):
		t.Skipf("tier %v: %v", s.Tier, err)
	default:
		t.Fatalf("tier %v: probe: %v", s.Tier, err)
	}
}

// maySkip: a driver that a person's machine cannot run is skipped; on CI it was
// asked for.
func maySkip(err error, ci string) bool {
	return errors.Is(err, sandbox.ErrUnavailable) && ci != "true"
}

var errSlow = errors.New("the driver took too long")

// newConfig makes a configuration with a name and a folder of its own.
func newConfig(t testing.TB, without ...string) Config {
	dir := t.TempDir() // ends with a random number and a counter
	name := cleanName(filepath.Base(filepath.Dir(dir)) + filepath.Base(dir))
	owner := runMark() + name[max(0, len(name)-20):]
	dir = filepath.Join(dir, owner)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return Config{
		Owner:   owner,
		Dir:     dir,
		Without: without,
		Log:     slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// cleanName keeps what a name may have.
func cleanName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, s)
}

// driver makes a driver that ends with the test, as a daemon does: another one reaps
// what belonged to it as a whole.
func (s Suite) driver(t testing.TB, c Config) sandbox.Driver {
	d := s.New(t, c)
	t.Cleanup(func() {
		if closer, ok := d.(io.Closer); ok {
			if err := closer.Close(); err != nil {
				t.Errorf("closing the driver: %v", err)
			}
		}
		ctx, cancel := context.WithTimeoutCause(context.Background(), opTimeout, errSlow)
		defer cancel()
		if err := d.Reap(ctx, func(owner string) bool { return owner != c.Owner }); err != nil {
			t.Errorf("Reap: %v", err)
		}
	})
	return d
}

func (s Suite) base() sandbox.Base {
	b := s.Base
	if b.Root == "" {
		b.Root = sandbox.RootHost
	}
	if b.Network == "" {
		b.Network = sandbox.NetworkNone
	}
	if b.Memory == 0 {
		b.Memory = int(memoryLimit >> 20)
	}
	if b.Tmp == 0 {
		b.Tmp = tmpLimit
	}
	return b
}

// fact is one rule of the contract and the test that holds it.
type fact struct {
	name  string
	test  func(r *rig)
	needs func(s Suite) bool // nil = every driver
}

func isolates(s Suite) bool       { return s.Isolates }
func limits(s Suite) bool         { return s.Limits }
func outlivesMemory(s Suite) bool { return s.Limits && !s.DiesOfMemory }
func diesOfMemory(s Suite) bool   { return s.Limits && s.DiesOfMemory }
func showsMounts(s Suite) bool    { return !s.CopiesMounts }
func hostSees(s Suite) bool       { return !s.OwnKernel }

// conformance runs every fact on one driver and one template.
func (s Suite) conformance(t *testing.T, probe string) {
	config := newConfig(t)
	config.Preload = preloads(probe)
	driver := s.driver(t, config)
	template := prepare(t, driver, s.base())
	facts := slices.Concat(driverFacts(), templateFacts(), bindFacts(), runFacts(), outputFacts(), streamFacts(), directFacts(),
		resetFacts(), networkFacts(), usageFacts(), classFacts(), limitFacts(), memoryFacts(), closeFacts(), concurrencyFacts(), freezeFacts(),
		preloadFacts(), fitFacts(), reclaimFacts(), restFacts())
	for _, f := range facts {
		if f.needs != nil && !f.needs(s) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			f.test(&rig{T: t, suite: s, config: config, driver: driver, template: template, code: probe, boxes: new(atomic.Int64)})
		})
	}
}

func prepare(t testing.TB, d sandbox.Driver, b sandbox.Base) sandbox.Template {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), opTimeout, errSlow)
	defer cancel()
	template, err := d.Prepare(ctx, b)
	if err != nil {
		t.Fatalf("Prepare: %v", err)
	}
	t.Cleanup(func() {
		if err := template.Close(); err != nil {
			t.Errorf("closing the template: %v", err)
		}
	})
	return template
}

func expectNoLeak(t testing.TB, before Snapshot) {
	t.Helper()
	runtime.GC() // files without an owner would be closed some time
	if leaked := before.Leaked(settle); len(leaked) > 0 {
		t.Errorf("left on the host:\n%s", strings.Join(leaked, "\n"))
	}
}
