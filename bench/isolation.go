package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"lambent.dev/lambent/bench/lambent"
)

const methodIsolation = "One Python greeting on one server (keep-alive 0), so seldom that stems wait: turns of one, after each of which the machine becomes idle, a second and a half at most. In gVisor it is measured beside `runsc run` of a bundle with the same interpreter and function, from the start of runsc until its answer arrives, without a network and without control groups of its own, which are what a stem has ready. In light it has no network, or `egress`; a sample of \"egress adds\" is the difference of two starts, one after the other with as much quiet between them, each of them first in every other sample." + proofOfCold

// floorRunsc is what a start in gVisor is without Lambent.
const floorRunsc = "runsc run, same function"

// stemsWait is how long the machine is given to become idle, and stems to be made again.
func (s *session) stemsWait() time.Duration {
	if s.o.Quick {
		return 100 * time.Millisecond
	}
	return 1500 * time.Millisecond
}

// mostForEgress is the target for what egress adds to a start from a stem, in ms.
const mostForEgress = 0.3

// isolations measures what gVisor and a network add to a start from a stem.
func isolations(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	srv, err := s.serve(ctx, everyInvokeStarts)
	if err != nil {
		return nil, err
	}
	done.add(srv.Close)
	inGVisor := s.greeting(ctx, srv, &done, "gvisor python", "lambent:isolation", "gvisor", "lambent:network", "none")
	inGVisor.kinds = map[string][]Ratio{"stem": {{Over: "isolation/" + floorRunsc, MostP50: 0.12}}}
	without := s.greeting(ctx, srv, &done, "light python", "lambent:isolation", "light", "lambent:network", "none")
	with := s.greeting(ctx, srv, &done, "light python with egress", "lambent:isolation", "light", "lambent:network", "egress")
	t := turns{length: 1, rest: 150 * time.Millisecond, calm: s.stemsWait(), least: 2}
	seen, err := t.run(ctx, d, []contender{inGVisor, s.runscFloor(), without, with, difference("egress adds", with, without, mostForEgress, s.stemsWait())})
	return rowsOf(seen), err
}

// greeting is a cold start of the Python greeting with tags, in pairs.
func (s *session) greeting(ctx context.Context, srv *lambent.Server, done *closers, name string, tags ...string) contender {
	c := contender{row: Row{Name: name, Start: requestSent, End: answerRead}}
	python, fn := s.languages()[0], tags[1]+"-"+tags[3]
	if err := python.deploy(ctx, srv, fn, "hello", tags...); err != nil {
		c.take = never(err)
		return c
	}
	c.take = coldCaller(ctx, srv, fn, helloEvent, done)
	return c
}

// difference is how much longer one contender's start takes than another's. Only two starts from
// stems are compared: all else is of the kind other.
// Between the two the machine may become idle, for wait at most.
func difference(name string, longer, shorter contender, most float64, wait time.Duration) contender {
	turned := false
	c := contender{row: Row{Name: name, Start: requestSent, End: answerRead, Limit: &Limit{Most: most}}, turn: 3}
	c.take = func(ctx context.Context) (sample, error) {
		order := []contender{shorter, longer}
		if turned = !turned; turned {
			order = []contender{longer, shorter}
		}
		first, err := order[0].take(ctx)
		if err != nil {
			return sample{}, err
		}
		if err := calmDown(ctx, wait); err != nil {
			return sample{}, err
		}
		second, err := order[1].take(ctx)
		if turned {
			first, second = second, first
		}
		return subtract(second, first), err
	}
	return c
}

// subtract takes a start from a longer one.
func subtract(longer, shorter sample) sample {
	got := sample{took: longer.took - shorter.took, kind: "stem", notCold: longer.notCold || shorter.notCold}
	if longer.kind != "stem" || shorter.kind != "stem" {
		got.kind = "other"
	}
	return got
}

// runscFloor runs the greeting by the runsc that lies beside lambent.
func (s *session) runscFloor() contender {
	c := contender{row: Row{Name: floorRunsc, Start: "runsc is about to be spawned", End: "the first bytes of its output have arrived"}}
	program := filepath.Join(filepath.Dir(s.o.Program), "runsc")
	if _, err := os.Stat(program); err != nil {
		c.take = never(err)
		return c
	}
	r, err := s.bundle(program, "isolation-python", s.o.Python, filepath.Join(s.scripts, "once.py"), s.scripts, "hello")
	if err != nil {
		c.take = never(err)
		return c
	}
	r.Flags = []string{"--network=none", "--gofer-network-namespace=host", "--ignore-cgroups", "--overlay2=none"}
	c.take = func(ctx context.Context) (sample, error) {
		before := time.Now().UnixMicro()
		t, out, err := r.UntilAnswer(ctx, helloEvent)
		return sample{took: t.Took, notCold: !proves(out, before)}, err
	}
	return c
}
