package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lambent.dev/lambent/bench/lambent"
)

const methodMemory = "Read from /proc/PID/smaps_rollup of the server's descendants. PSS divides shared pages by those who share them; private pages belong to nobody else. A sandbox is all processes of one pid namespace, its PID 1 included; a stem is one in which no function's code is mounted. MB are 10⁶ bytes."

const kib = 1024 / 1e6 // MB

// memory measures what is held in its own order: an instance, many, many functions.
func memory(ctx context.Context, s *session, _ time.Duration) (rows []Row, err error) {
	srv, err := s.serve(ctx, roomForAll)
	if err != nil {
		return nil, err
	}
	done := closers{srv.Close}
	defer func() { err = errors.Join(err, done.close()) }()
	for _, part := range []func(context.Context, *lambent.Server, *closers) ([]Row, error){
		s.instanceMemory, s.stemMemory, s.idleInstances, s.functionMemory,
	} {
		some, err := part(ctx, srv, &done)
		if err != nil {
			return rows, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// memoryRow is one value in MB.
func memoryRow(name, what string, values []float64, most float64) Row {
	row := Row{Name: name, Start: what, End: "it is idle", Unit: "MB"}.of(values)
	if most > 0 {
		row.Limit = &Limit{Most: most}
	}
	return row
}

// used is how many requests an instance has answered before its memory is read.
const used = 100

func (s *session) instanceMemory(ctx context.Context, srv *lambent.Server, done *closers) ([]Row, error) {
	var rows []Row
	for _, l := range s.languages() {
		before, err := srv.Boxes()
		if err != nil {
			return nil, err
		}
		if err := s.use(ctx, srv, l, done); err != nil {
			return nil, err
		}
		private, pss, err := added(srv, before)
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("an instance has answered %d requests", used)
		_, most := privateTargets(l.name)
		rows = append(rows,
			memoryRow(l.name+" instance, private", what, private, most),
			memoryRow(l.name+" instance, PSS", what, pss, 0))
	}
	return rows, nil
}

// privateTargets are the most MB of private pages that a sandbox may hold; 0 = no target.
func privateTargets(language string) (stem, instance float64) {
	if language == "python" {
		return 2, 4
	}
	return 0, 0
}

// use deploys a function and sends it its requests.
func (s *session) use(ctx context.Context, srv *lambent.Server, l language, done *closers) error {
	t := s.warmTake(ctx, srv, l, l.name, "hello", helloEvent, done)
	for range used - warmUp {
		if _, err := t(ctx); err != nil {
			return err
		}
	}
	return nil
}

// added is the memory of the functions' sandboxes that were not there before.
func added(srv *lambent.Server, before []lambent.Box) (private, pss []float64, err error) {
	boxes, err := srv.Boxes()
	if err != nil {
		return nil, nil, err
	}
	for _, b := range boxes {
		old := slices.ContainsFunc(before, func(o lambent.Box) bool { return o.Namespace == b.Namespace && o.Function })
		if b.Function && !old {
			private, pss = append(private, kib*float64(b.Private)), append(pss, kib*float64(b.PSS))
		}
	}
	if len(private) == 0 {
		return nil, nil, errors.New("no sandbox of the function was found among the server's processes")
	}
	return private, pss, nil
}

// stemMemory reads those that are there by now.
func (s *session) stemMemory(_ context.Context, srv *lambent.Server, _ *closers) ([]Row, error) {
	boxes, err := srv.Boxes()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, program := range []string{"python", "node"} {
		private, pss := stemsOf(boxes, program)
		most, _ := privateTargets(program)
		some := []Row{
			memoryRow(program+" stem, private", "a stem waits", private, most),
			memoryRow(program+" stem, PSS", "a stem waits", pss, 0),
		}
		for i := range some {
			if len(private) == 0 {
				some[i].Missing = "the server keeps no such stem"
			}
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

func stemsOf(boxes []lambent.Box, program string) (private, pss []float64) {
	for _, b := range boxes {
		if !b.Function && b.Runs(program) {
			private, pss = append(private, kib*float64(b.Private)), append(pss, kib*float64(b.PSS))
		}
	}
	return private, pss
}

// idleInstances starts as many instances as were asked for, each of a function of its own.
func (s *session) idleInstances(ctx context.Context, srv *lambent.Server, done *closers) ([]Row, error) {
	before, err := srv.Boxes()
	if err != nil {
		return nil, err
	}
	had := available()
	callers, err := s.manyFunctions(ctx, srv, s.o.Instances, done)
	if err != nil {
		return nil, err
	}
	err = shared(len(callers), func(i int) error { _, err := callers[i].Invoke(); return err })
	if err != nil {
		return nil, err
	}
	has := available()
	_, pss, err := added(srv, before)
	if err != nil {
		return nil, err
	}
	return []Row{s.idleRow(pss, had-has)}, nil
}

// mostOfIdle is 6 GB for 1,000 instances, in MB for each.
const mostOfIdle = 6

// idleRow also tells by how many MB the host's available memory fell meanwhile: what the
// kernel and the server hold for the instances is in no process of theirs.
func (s *session) idleRow(pss []float64, fell float64) Row {
	together := 0.0
	for _, one := range pss {
		together += one
	}
	row := memoryRow("python instances at once, PSS each", "an instance has answered one request", pss, mostOfIdle)
	row.Note = fmt.Sprintf("%d instances, %.0f MB together; the host has %.0f MB less available", len(pss), together, fell)
	if len(pss) < s.o.Instances {
		row.Missing = fmt.Sprintf("%d of %d instances are there", len(pss), s.o.Instances)
	}
	return row
}

// functionMemory deploys as many functions as were asked for and reads the server's memory.
func (s *session) functionMemory(ctx context.Context, srv *lambent.Server, _ *closers) ([]Row, error) {
	before, err := srv.Self()
	if err != nil {
		return nil, err
	}
	if err := s.deployMany(ctx, srv, s.o.Functions); err != nil {
		return nil, err
	}
	after, err := srv.Self()
	if err != nil {
		return nil, err
	}
	most := 0.0
	if s.o.Functions >= 100_000 {
		most = 200
	}
	row := memoryRow("server, functions idle, PSS", "the functions are deployed", []float64{kib * float64(after.PSS)}, most)
	row.Note = fmt.Sprintf("%d functions, %.2f KB for each over the %.0f MB before",
		s.o.Functions, 1000*kib*float64(after.PSS-before.PSS)/float64(max(s.o.Functions, 1)), kib*float64(before.PSS))
	return []Row{row}, nil
}

func (s *session) deployMany(ctx context.Context, srv *lambent.Server, n int) error {
	python := s.languages()[0]
	zip, err := python.pack("hello")
	if err != nil {
		return err
	}
	return shared(n, func(i int) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return srv.Create(ctx, lambent.Function{Name: "idle-" + strconv.Itoa(i), Runtime: python.runtime, Handler: "hello.handler", Zip: zip})
	})
}
