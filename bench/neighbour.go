package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/load"
)

const methodNeighbour = "A warm function, the example matchmaker where it is there, gets 100 requests per second (open loop) for slices of two seconds: alone, and beside twenty other functions that burn CPU, memory and the disk of /tmp without a pause, in the same class. A plain Python server in the same places shows what the host's scheduler alone makes of it."

// A steady rate beside burners.
const (
	burners   = 20
	steady    = 100 // requests per second
	callsOpen = 32  // connections
)

func neighbours(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	srv, err := s.serve(ctx, roomForAll)
	if err != nil {
		return nil, err
	}
	done := closers{srv.Close}
	defer func() { err = errors.Join(err, done.close()) }()
	measured, name, err := s.steadyFlood(ctx, srv, &done)
	if err != nil {
		return nil, err
	}
	server, serverErr := s.flood(ctx, s.plainPython(plainPython, "hello"), callsOpen, &done)
	burning, err := s.burners(ctx, srv, &done)
	if err != nil {
		return nil, err
	}
	alone := func(context.Context) error { return nil }
	all := []contender{
		s.steadyContender(name+", alone", measured, nil, alone),
		s.steadyContender("http.server, alone", server, serverErr, alone),
		s.steadyContender(name+", beside 20 burners", measured, nil, burning, Ratio{Over: "neighbour/" + name + ", alone", MostP99: 1.5}),
		s.steadyContender("http.server, beside 20 burners", server, serverErr, burning, Ratio{Over: "neighbour/http.server, alone"}),
	}
	seen, err := turns{length: 1, rest: 200 * time.Millisecond, least: 1}.run(ctx, d, all)
	return rowsOf(seen), err
}

// steadySlice is how long a contender gets its requests at a time.
func (s *session) steadySlice() time.Duration { return 4 * s.slice() }

// steadyFlood deploys what is measured: the example matchmaker where it is there, else the
// greeting. It returns the name that rows give it.
func (s *session) steadyFlood(ctx context.Context, srv *lambent.Server, done *closers) (flood, string, error) {
	name, event, err := s.deploySteady(ctx, srv)
	if err != nil {
		return nil, "", err
	}
	callers, err := connect(ctx, srv, "steady", event, callsOpen, done)
	if err != nil {
		return nil, "", err
	}
	return floodOf(callers), name, nil
}

func (s *session) deploySteady(ctx context.Context, srv *lambent.Server) (name, event string, err error) {
	for _, e := range s.o.Examples {
		if e.Name == "matchmaker" {
			return "lambent matchmaker", e.Event, srv.Deploy(ctx, lambent.Function{Name: "steady", Runtime: e.Runtime, Handler: e.Handler, Zip: e.Zip})
		}
	}
	return "lambent python", helloEvent, s.languages()[0].deploy(ctx, srv, "steady", "hello")
}

// steadyContender's sample is a slice of requests, while beside keeps the host busy.
func (s *session) steadyContender(name string, f flood, err error, beside func(context.Context) error, ratios ...Ratio) contender {
	c := contender{row: Row{Name: name, Start: "the request is meant to be sent", End: answerRead, Ratios: ratios}}
	c.many = func(ctx context.Context) ([]sample, error) {
		if err != nil {
			return nil, err
		}
		ended := make(chan error, 1)
		go func() { ended <- beside(ctx) }()
		if err := pause(ctx, 200*time.Millisecond); err != nil { // let them begin
			return nil, errors.Join(err, <-ended)
		}
		seen, err := f.open(ctx, rate{perSecond: steady, slice: s.steadySlice()})
		return seen, errors.Join(err, <-ended)
	}
	return c
}

// burners deploys the functions that burn, and returns what keeps all of them burning for a
// little longer than a slice.
func (s *session) burners(ctx context.Context, srv *lambent.Server, done *closers) (func(context.Context) error, error) {
	kinds := []string{"cpu", "cpu", "memory", "io"}
	all := make([]*lambent.Caller, burners)
	for i := range all {
		var err error
		if all[i], err = s.burner(ctx, srv, "burn-"+strconv.Itoa(i), kinds[i%len(kinds)], done); err != nil {
			return nil, err
		}
	}
	return func(context.Context) error { return burn(all) }, nil
}

// burner deploys one and starts its instance.
func (s *session) burner(ctx context.Context, srv *lambent.Server, name, kind string, done *closers) (*lambent.Caller, error) {
	if err := s.languages()[0].deploy(ctx, srv, name, "burn"); err != nil {
		return nil, err
	}
	if _, err := connect(ctx, srv, name, burnEvent(0, kind), 1, done); err != nil {
		return nil, err
	}
	callers, err := callersOf(ctx, srv, name, burnEvent(s.steadySlice()+400*time.Millisecond, kind), 1, done)
	if err != nil {
		return nil, err
	}
	return callers[0], nil
}

func burnEvent(d time.Duration, kind string) string {
	return fmt.Sprintf(`{"seconds":%g,"kind":%q}`, d.Seconds(), kind)
}

// burn invokes all burners and waits for them.
func burn(all []*lambent.Caller) error {
	return load.Burst(len(all), func(worker int) error {
		i, err := all[worker].Invoke()
		if err == nil && i.Refused != "" {
			err = fmt.Errorf("a burner was throttled: %s", i.Refused)
		}
		return err
	})
}
