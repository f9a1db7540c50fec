package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"lambent.dev/lambent/bench/floor"
	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/load"
)

const methodWarm = "Contenders take turns of sixteen requests, one after another over one connection that stays open. Every server is a process of its own and has answered fifty requests before. The event and the answer are about sixty bytes of JSON."

// Names of plain servers.
const (
	plainEcho      = "net/http echo"
	plainGo        = "net/http, same handler"
	plainPython    = "http.server, same handler"
	plainNode      = "node:http, same handler"
	plainPrototype = "bare Runtime API, official Go client"
	plainRelay     = "bare relay, same Python handler"
)

// warmTargets are the ratios of warm requests by language.
func warmTargets(language, group string) []Ratio {
	echo := Ratio{Over: group + "/" + plainEcho}
	switch language {
	case "python":
		echo.MostP50 = 2.2
		return []Ratio{echo, {Over: group + "/" + plainPython, MostP50: 0.7}, {Over: group + "/" + plainRelay}, {Over: group + "/lambent awslambdaric"}}
	case "awslambdaric":
		return []Ratio{{Over: group + "/" + plainClient}, echo}
	case "node":
		return []Ratio{{Over: group + "/" + plainNode, MostP50: 1.5}, echo}
	default:
		return []Ratio{{Over: group + "/" + plainPrototype, MostP50: 1.2}, echo}
	}
}

func warm(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	var all []contender
	for _, v := range append([]Variant{usual()}, s.o.Variants...) {
		srv, err := s.variant(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Name, err)
		}
		done.add(srv.Close)
		for _, l := range append(s.languages(), s.awslambdaric()) {
			c := contender{row: Row{Name: v.Name + " " + l.name, Start: requestSent, End: answerRead, Ratios: warmTargets(l.name, "warm")}}
			c.take = s.warmTake(ctx, srv, l, l.name, "hello", helloEvent, &done)
			all = append(all, c)
		}
	}
	for _, p := range append(append(s.plainServers(), s.plainRelay(1)), s.containerServers()...) {
		all = append(all, p.contender(ctx, helloEvent, &done))
	}
	seen, err := turns{length: 16, least: 1}.run(ctx, d, all)
	return rowsOf(seen), err
}

// warmUp is how many requests a server has answered before it is measured.
const warmUp = 50

// warmTake deploys a function and takes its warm samples.
func (s *session) warmTake(ctx context.Context, srv *lambent.Server, l language, name, module, event string, done *closers) take {
	if err := l.deploy(ctx, srv, name, module); err != nil {
		return never(err)
	}
	caller, err := srv.NewCaller(ctx, name, event)
	if err != nil {
		return never(err)
	}
	done.add(caller.Close)
	return warmedUp(ctx, invoking(caller, false))
}

// warmedUp takes the first samples and forgets them, for a second at most.
func warmedUp(ctx context.Context, t take) take { return warmedUpFor(ctx, time.Second, t) }

// warmedUpFor is warmedUp for another time.
func warmedUpFor(ctx context.Context, most time.Duration, t take) take {
	for end, i := time.Now().Add(most), 0; i < warmUp && time.Now().Before(end); i++ {
		if _, err := t(ctx); err != nil {
			return never(err)
		}
	}
	return t
}

// plain is a server that Lambent is compared with.
type plain struct {
	name  string
	start func(context.Context) (*floor.Server, error)
}

// plainServers run the greeting in each language, and an echo.
func (s *session) plainServers() []plain {
	helper := func(mode string) func(context.Context) (*floor.Server, error) {
		return func(ctx context.Context) (*floor.Server, error) {
			return floor.StartServer(ctx, s.o.Helper, mode, "ADDR")
		}
	}
	return []plain{
		{plainEcho, helper("echo")},
		{plainGo, helper("hello")},
		{plainPrototype, helper("prototype")},
		s.plainClient(),
		s.plainPython(plainPython, "hello"),
		s.plainNode(plainNode, "hello"),
	}
}

func (s *session) plainPython(name, module string) plain {
	return s.interpreted(name, s.o.Python, "server.py", module)
}

func (s *session) plainNode(name, module string) plain {
	return s.interpreted(name, s.o.Node, "server.js", module)
}

// plainRelay hands requests to n interpreters that run the greeting, and nothing else: the least
// that any front of interpreters in processes of their own does.
func (s *session) plainRelay(n int) plain {
	return plain{plainRelay, func(ctx context.Context) (*floor.Server, error) {
		if s.o.Python.Path == "" {
			return nil, errNoInterpreter
		}
		return floor.StartServer(ctx, s.o.Helper, "relay", "ADDR", strconv.Itoa(n), s.o.Python.Path, filepath.Join(s.scripts, "relay.py"), s.scripts, "hello")
	}}
}

func (s *session) interpreted(name string, i Interpreter, script, module string) plain {
	return plain{name, func(ctx context.Context) (*floor.Server, error) {
		if i.Path == "" {
			return nil, errNoInterpreter
		}
		return floor.StartServer(ctx, i.Path, filepath.Join(s.scripts, script), "ADDR", s.scripts, module)
	}}
}

// containerServers are the plain servers inside containers, on the host's network.
func (s *session) containerServers() []plain {
	var all []plain
	for _, name := range []string{"runc", "crun"} {
		for _, i := range []struct {
			language, script string
			Interpreter
		}{{"http.server", "server.py", s.o.Python}, {"node:http", "server.js", s.o.Node}} {
			all = append(all, plain{name + ", " + i.language, func(ctx context.Context) (*floor.Server, error) {
				r, err := s.runtime(name, "server-"+i.script, i.Interpreter, filepath.Join(s.scripts, i.script), "ADDR", s.scripts, "hello")
				if err != nil {
					return nil, err
				}
				r.Host = true
				return r.Serve(ctx)
			}})
		}
	}
	return all
}

// contender starts the server and connects to it.
func (p plain) contender(ctx context.Context, event string, done *closers) contender {
	return contender{row: Row{Name: p.name, Start: requestSent, End: answerRead}, take: p.take(ctx, event, done)}
}

func (p plain) take(ctx context.Context, event string, done *closers) take {
	srv, err := p.start(ctx)
	if err != nil {
		return never(err)
	}
	done.add(srv.Close)
	conn, err := load.Dial(ctx, srv.Addr)
	if err != nil {
		return never(err)
	}
	done.add(conn.Close)
	return warmedUp(ctx, asking(conn, load.Post(srv.Addr, "/", []byte(event))))
}
