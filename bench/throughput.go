package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/load"
)

const methodThroughput = "Sixteen connections send one request after another (closed loop) for slices of a second; slices of the contenders alternate, and a sample is the rate of one slice. Lambent's server has memory for four instances (memory budget 512 MB, functions of 128 MB), so requests wait for one of four; in the rows \"16 at once in one\" the function has the tag lambent:concurrency and one instance takes all requests; the bare relay has four interpreters, too; the load generator shares the CPUs with what it measures."

// connections are those of a closed loop; instancesAtOnce how many instances there is memory for.
const (
	connections     = 16
	instancesAtOnce = 4
)

// flood is something that many connections ask at once. Each function belongs to one goroutine
// at a time.
type flood []take

func throughput(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	var all []contender
	for _, l := range append(s.languages(), s.awslambdaric()) {
		c := contender{row: Row{Name: "lambent " + l.name + ", four instances", Unit: "1/s", Ratios: throughputTargets(l.name)}}
		f, err := s.fourInstances(ctx, l, connections, &done)
		all = append(all, c.flooding(2*s.slice(), f, err))
	}
	for _, l := range s.languages()[:2] {
		c := contender{row: Row{Name: "lambent " + l.name + ", 16 at once in one", Unit: "1/s", Ratios: throughputTargets(l.name)[1:2]}}
		f, err := s.oneInstance(ctx, l, &done)
		all = append(all, c.flooding(2*s.slice(), f, err))
	}
	for _, p := range s.floodServers() {
		f, err := s.flood(ctx, p, connections, &done)
		all = append(all, contender{row: Row{Name: p.name, Unit: "1/s"}}.flooding(2*s.slice(), f, err))
	}
	seen, err := turns{length: 1, least: 1}.run(ctx, d, all)
	return rowsOf(seen), err
}

// floodServers are the plain servers; containers cost a smoke run too much.
func (s *session) floodServers() []plain {
	servers := append(s.plainServers(), s.plainRelay(instancesAtOnce))
	if s.o.Quick {
		return servers
	}
	return append(servers, s.containerServers()...)
}

func throughputTargets(language string) []Ratio {
	echo := Ratio{Over: "throughput/" + plainEcho, LeastP50: 0.4}
	same := map[string]string{"python": plainPython, "node": plainNode, "go": plainPrototype, "awslambdaric": plainClient}[language]
	if language == "python" {
		return []Ratio{echo, {Over: "throughput/" + same}, {Over: "throughput/" + plainRelay}}
	}
	return []Ratio{echo, {Over: "throughput/" + same}}
}

// flooding makes a contender's sample the rate of a slice.
func (c contender) flooding(d time.Duration, f flood, err error) contender {
	c.row.Start, c.row.End = "the slice begins", "the answers that were read in it are counted"
	c.rate = func(ctx context.Context) (float64, error) {
		if err != nil {
			return 0, err
		}
		return f.perSecond(ctx, d)
	}
	return c
}

// perSecond counts the answers of a slice. A refusal is an error: it is no answer.
func (f flood) perSecond(ctx context.Context, d time.Duration) (float64, error) {
	var answers atomic.Int64
	began := time.Now()
	err := load.Closed(ctx, len(f), d, func(worker int) error {
		got, err := f[worker](ctx)
		if err == nil && (got.refused != "" || got.held > 0) {
			err = fmt.Errorf("throttled: %s, held back for %v", got.refused, got.held)
		}
		answers.Add(1)
		return err
	})
	return float64(answers.Load()) / time.Since(began).Seconds(), err
}

// fourInstances starts a server that has room for four instances of a greeting, and warms it up.
func (s *session) fourInstances(ctx context.Context, l language, n int, done *closers) (flood, error) {
	return s.instances(ctx, l, fourInstances, n, done)
}

// oneInstance starts a server with an instance that takes all requests at once.
func (s *session) oneInstance(ctx context.Context, l language, done *closers) (flood, error) {
	return s.instances(ctx, l, roomForAll, connections, done, concurrencyTag, strconv.Itoa(connections))
}

// concurrencyTag is the setting of a function that gives each instance many requests at once.
const concurrencyTag = "lambent:concurrency"

func (s *session) instances(ctx context.Context, l language, setting string, n int, done *closers, tags ...string) (flood, error) {
	srv, err := s.serve(ctx, setting)
	if err != nil {
		return nil, err
	}
	done.add(srv.Close)
	if err := l.deploy(ctx, srv, l.name, "hello", tags...); err != nil {
		return nil, err
	}
	callers, err := connect(ctx, srv, l.name, helloEvent, n, done)
	if err != nil {
		return nil, err
	}
	return s.warmFlood(ctx, floodOf(callers))
}

func floodOf(callers []*lambent.Caller) flood {
	f := make(flood, len(callers))
	for i, c := range callers {
		f[i] = invoking(c, false)
	}
	return f
}

// warmFlood makes the instances start: a short flood is not counted.
func (s *session) warmFlood(ctx context.Context, f flood) (flood, error) {
	_, err := f.perSecond(ctx, s.slice())
	return f, err
}

func (s *session) flood(ctx context.Context, p plain, n int, done *closers) (flood, error) {
	srv, err := p.start(ctx)
	if err != nil {
		return nil, err
	}
	done.add(srv.Close)
	f := make(flood, n)
	for i := range f {
		conn, err := load.Dial(ctx, srv.Addr)
		if err != nil {
			return nil, err
		}
		done.add(conn.Close)
		f[i] = asking(conn, load.Post(srv.Addr, "/", []byte(helloEvent)))
	}
	return s.warmFlood(ctx, f)
}

// open sends at a rate for d and keeps each latency, from the moment that was meant.
func (f flood) open(ctx context.Context, r rate) ([]sample, error) {
	seen := make([][]sample, len(f))
	err := load.Open(ctx, len(f), r.perSecond, r.slice, func(worker int, meant time.Time) error {
		late := time.Since(meant)
		got, err := f[worker](ctx)
		got.took, got.meant, got.late = time.Since(meant), meant, late
		seen[worker] = append(seen[worker], got)
		return err
	})
	var all []sample
	for _, some := range seen {
		all = append(all, some...)
	}
	return all, err
}
