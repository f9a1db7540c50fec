package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lambent.dev/lambent/internal/blob/file"
	"lambent.dev/lambent/internal/bytecode"
	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/code"
	"lambent.dev/lambent/internal/collect"
	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/event"
	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/lambdaapi"
	"lambent.dev/lambent/internal/logs"
	"lambent.dev/lambent/internal/neighbour"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/price"
	"lambent.dev/lambent/internal/queue"
	"lambent.dev/lambent/internal/router"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/s3"
	"lambent.dev/lambent/internal/sigv4"
	"lambent.dev/lambent/internal/slowest"
	"lambent.dev/lambent/internal/stem"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/telemetry"
)

// closeLimit bounds what one part of the server may take to end.
const closeLimit = 30 * time.Second

// Daemon is a server that has opened what lasts and can listen.
type Daemon struct {
	cfg   config.Config
	log   *slog.Logger
	parts parts
	// isolation is the account's rule.
	isolation lambda.Isolation
	rules     map[string]lambda.AccountRule // of the accounts that are configured
	verifier  *sigv4.Verifier               // nil = requests need no signature
	tiers     *tiers                        // of this host
	api       *lambdaapi.Server
	router    *router.Router
	pool      *pool.Pool
	events    *event.Dispatcher
	stems     *stem.Store
	// bytecode compiles packages ahead.
	bytecode *bytecode.Maker
	// directory is the router, and tells who makes sandboxes ahead of new functions.
	directory *expecting
	// registry holds the metrics, of which metrics are those of invocations.
	registry *prometheus.Registry
	metrics  *telemetry.Metrics
	tracer   *telemetry.Tracer // nil = no traces are sent
	quoter   *price.Quoter     // nil = nobody said what the machine costs
	receipts control.Receipts  // for those who watch
	beside   neighbour.Board
	slowest  *slowest.List
	garbage  *collect.Collector
	networks *networks
	close    func() error

	place        *place
	fronts       fronts
	turn         *turn
	finished     chan struct{} // closed when serve returns
	epoch        int64         // of this server in the queue
	predecessors predecessors
}

// parts are what the line stands on.
type parts struct {
	owner     string
	store     functionStore
	queue     queue.Queue
	blobs     *file.Store
	packages  *code.Packages
	logs      *logs.Store
	catalogue *runtimes.Catalogue
	drivers   *drivers.Set
	templates *drivers.Templates
}

// Run opens a server, serves until ctx ends, finishes what was accepted and closes it.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	d, err := open(ctx, cfg, log)
	if err != nil {
		return err
	}
	served := d.serve(ctx)
	if err := d.close(); err != nil {
		log.Error("closing", "error", err)
	}
	return served
}

// open takes the data folder and puts the parts together, bottom to top.
func open(ctx context.Context, cfg config.Config, log *slog.Logger) (_ *Daemon, err error) {
	var undo cleanup.Stack
	defer undo.Run(&err)
	rule, err := cfg.Rule()
	if err != nil {
		return nil, err
	}
	rules, verifier, err := openAccounts(&cfg)
	if err != nil {
		return nil, err
	}
	at, err := takePlace(ctx, cfg)
	if err != nil {
		return nil, err
	}
	undo.Add(at.Close)
	d := &Daemon{cfg: cfg, log: log, isolation: rule, rules: rules, verifier: verifier, place: at, turn: newTurn(log), finished: make(chan struct{}), predecessors: predecessors{lives: at.grant.Lives}}
	if err := d.openState(ctx, &undo); err != nil {
		return nil, err
	}
	if err := d.openDrivers(ctx, &undo); err != nil {
		return nil, err
	}
	if err := d.openLine(ctx, &undo); err != nil {
		return nil, err
	}
	d.close = undo.Release()
	return d, nil
}

// openState opens what lasts: functions, packages and logs.
func (d *Daemon) openState(ctx context.Context, undo *cleanup.Stack) error {
	var err error
	if d.parts.store, err = openStore(ctx, d.cfg); err != nil {
		return err // it says what was being opened
	}
	undo.Add(d.parts.store.Close)
	if err := d.openQueue(ctx); err != nil {
		return err
	}
	undo.Add(d.parts.queue.Close)
	if d.parts.blobs, err = file.Open(filepath.Join(d.cfg.Data, "blobs")); err != nil {
		return fmt.Errorf("opening the packages: %w", err)
	}
	undo.Add(d.parts.blobs.Close)
	if d.parts.packages, err = code.New(filepath.Join(d.cfg.Data, "code"), zips{d.parts.blobs}); err != nil {
		return fmt.Errorf("opening the unpacked packages: %w", err)
	}
	if d.parts.logs, err = logs.Open(filepath.Join(d.cfg.Data, "logs"), d.logOptions()); err != nil {
		return fmt.Errorf("opening the functions' logs: %w", err)
	}
	undo.Add(d.parts.logs.Close)
	return nil
}

// openDrivers makes the drivers, refuses to start if the default isolation does not work
// here, and removes what dead servers left on the host.
func (d *Daemon) openDrivers(ctx context.Context, undo *cleanup.Stack) error {
	var err error
	d.parts.owner = NewOwner()
	if d.parts.catalogue, err = runtimes.New(runtimes.Options{Dir: filepath.Join(d.cfg.Data, "runtimes")}); err != nil {
		return fmt.Errorf("opening the catalogue of runtimes: %w", err)
	}
	if d.parts.drivers, err = Drivers(drivers.Options{
		Dir: filepath.Join(d.cfg.Data, "drivers"), Owner: d.parts.owner, AllowProcess: d.cfg.AllowProcess, Monitor: d.cfg.MicroVMMonitor,
		HostNetwork: d.cfg.Network.AllowHost, Resolvers: d.cfg.Network.Servers(),
		Preload: d.parts.catalogue.Preload, IDs: d.cfg.SandboxIDs, Log: d.log,
	}); err != nil {
		return err
	}
	d.tiers = newTiers(d.parts.drivers)
	if err := d.probeDefaults(ctx); err != nil {
		return err
	}
	if d.networks, err = newNetworks(ctx, d.parts.drivers, d.cfg, d.log); err != nil {
		return err
	}
	if err := d.reap(ctx); err != nil {
		return err
	}
	undo.Add(d.closeDrivers)
	d.parts.templates = drivers.NewTemplates(d.parts.drivers)
	undo.Add(d.parts.templates.Close)
	d.bytecode = bytecode.New(d.bytecodeDeps(), bytecode.DefaultSettings())
	if err := d.openStems(); err != nil {
		return err
	}
	undo.Add(d.stems.Close)
	return nil
}

// openLine makes the line that an invoke follows and fills its directory.
func (d *Daemon) openLine(ctx context.Context, undo *cleanup.Stack) error {
	var err error
	undo.Add(d.closeEvents) // after the pool, which ends what they wait for
	launcher := instance.NewLauncher(d.launcherDeps())
	if d.pool, err = pool.New(pool.Launcher{Launcher: launcher}, d.poolSettings()); err != nil {
		return err
	}
	undo.Add(d.closePool)
	if err := errors.Join(d.openMetrics(), d.openTracer(ctx), d.openQuoter()); err != nil {
		return err
	}
	undo.Add(d.closeTracer)
	d.slowest = slowest.New(&d.beside)
	d.router = router.New(d.pool, d.allotment(), router.Settings{Isolation: d.isolation, Rules: d.rules, DefaultNetwork: d.networks.standard, Source: d.source})
	undo.Add(d.expectFunctions(launcher))
	if d.events, err = event.New(d.parts.queue, d.line(), d.eventSettings()); err != nil {
		return err
	}
	d.api = lambdaapi.New(d.apiDeps())
	d.garbage = collect.New(d.garbageSettings())
	return d.parts.store.All(ctx, d.index)
}

// index makes a stored function known to the router. One that it cannot take was stored by a
// server with other rules: it stays unknown, and the log says so.
func (d *Daemon) index(fn lambda.Function) error {
	if err := d.directory.Put(fn); err != nil {
		d.log.Error("leaving out a function", "function", fn.ID.ARN(), "error", err)
	}
	digests(&fn, d.garbage.Used)
	d.expectBytecode(&fn)
	return nil
}

// source reads a function that is invoked, for the router.
func (d *Daemon) source(ctx context.Context, id lambda.FunctionID) (lambda.Function, bool, error) {
	fn, err := d.parts.store.Function(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return fn, false, nil
	}
	if err != nil {
		d.log.Error("reading a function that is invoked", "function", id.ARN(), "error", err)
	}
	return fn, err == nil, err
}

func (d *Daemon) launcherDeps() instance.Deps {
	return instance.Deps{
		Boxes: d.stems, Runtimes: d.parts.catalogue, Code: d.parts.packages.Folder, Layers: d.parts.packages.Layers,
		Compiled: d.bytecode.Folder, Offers: d.tiers.offersNow,
		Logs: d.parts.logs.Writer, CallHome: d.callHome, DialHost: d.networks.dialHost, Neighbours: &d.beside, InitTimeout: time.Duration(d.cfg.InitTimeout), Log: d.log,
	}
}

// callHome answers Lambda's API inside a sandbox, as its function.
func (d *Daemon) callHome(t *lambda.Target) http.Handler {
	return d.turn.relay(d.api.HandlerFor(t.ID), control.PassOn(d.cfg.Data, t.ID.ARN()))
}

func (d *Daemon) apiDeps() lambdaapi.Deps {
	return lambdaapi.Deps{
		Store: d.parts.store, Blobs: d.parts.blobs, Packages: d.parts.packages, Runtimes: d.parts.catalogue,
		Invoker: d.line(), Events: d.events, Directory: announced{d.directory, d.turn},
		Provisioner: d.router, Snapshotter: d.router, Announcer: d.router, Tiers: d.tiers, Compiler: d.bytecode,
		Objects: d.objects(), Account: d.cfg.Account, Region: d.cfg.Region, Isolation: d.isolation,
		Networks: d.networks, DefaultNetwork: d.networks.standard,
		Concurrency: d.cfg.Concurrency, CodeStorage: d.cfg.CodeStorage << 20, Rules: d.rules, Verifier: d.verifier, LinkKey: d.place.grant.LinkKey, Log: d.log,
	}
}

// objects is the object store that code is read from, nil where none is configured.
func (d *Daemon) objects() lambdaapi.Objects {
	set := d.cfg.S3
	if set.Endpoint == "" {
		return nil
	}
	return s3.New(s3.Options{
		Endpoint: set.Endpoint, Region: cmp.Or(set.Region, d.cfg.Region),
		AccessKey: set.AccessKey, SecretKey: set.SecretKey, PathStyle: set.PathStyle,
	})
}

func (d *Daemon) logOptions() logs.Options {
	o, set := logs.Defaults(), d.cfg.FunctionLogs
	o.MaxAge, o.MaxBytes, o.RateBytes = time.Duration(set.MaxAge), set.MaxSize, set.Rate
	o.Report = func(err error) { d.log.Error("writing a function's log", "error", err) }
	return o
}

func (d *Daemon) poolSettings() pool.Settings {
	s := pool.DefaultSettings()
	s.KeepAlive, s.FreezeAfter = time.Duration(d.cfg.KeepAlive), time.Duration(d.cfg.FreezeAfter)
	s.ReclaimAfter = time.Duration(d.cfg.ReclaimAfter)
	s.QueueLimit, s.QueueTimeout = d.cfg.QueueLimit, time.Duration(d.cfg.QueueTimeout)
	s.MemoryBudget, s.Log = memoryBudget(d.cfg.MemoryBudget), d.log
	return s
}

func (d *Daemon) closePool() error {
	ctx, stop := cleanup.Context(context.Background(), closeLimit)
	defer stop()
	return d.pool.Close(ctx)
}
