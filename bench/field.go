package bench

import (
	"context"
	"errors"
	"time"

	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/workloads"
)

const methodWorkloads = "Each function runs warm on Lambent, in a plain server of its language, and cold on Lambent, by turns of one request. The examples have no plain server beside them; cold starts of the example in Go cannot prove themselves and are left out." + proofOfCold

// fieldWorkloads measures all workloads and examples, warm, plain and cold.
func fieldWorkloads(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	warm, err := s.serve(ctx)
	if err != nil {
		return nil, err
	}
	done.add(warm.Close)
	cold, err := s.serve(ctx, everyInvokeStarts)
	if err != nil {
		return nil, err
	}
	done.add(cold.Close)
	var all []contender
	for _, l := range s.languages()[:2] {
		for _, w := range s.field() {
			all = append(all, s.workload(ctx, warm, cold, l, w, &done)...)
		}
	}
	for _, e := range s.o.Examples {
		all = append(all, s.example(ctx, warm, cold, e, &done)...)
	}
	seen, err := turns{length: 1, least: 1}.run(ctx, d, all)
	return rowsOf(seen), err
}

// field is the workloads but the greeting, which has groups of its own.
func (s *session) field() []workloads.Workload {
	all := workloads.All()[1:]
	if s.o.Quick {
		return all[:1]
	}
	return all
}

func (s *session) workload(ctx context.Context, warm, cold *lambent.Server, l language, w workloads.Workload, done *closers) []contender {
	name := l.name + " " + w.Name
	server := s.plainPython(name+", plain server", w.Name)
	if l.name == string(workloads.Node) {
		server = s.plainNode(name+", plain server", w.Name)
	}
	fn := l.name + "-" + w.Name
	over := []Ratio{{Over: "workloads/" + server.name}}
	return []contender{
		{row: Row{Name: name + ", warm", Start: requestSent, End: answerRead, Note: w.What, Ratios: over}, take: s.warmTake(ctx, warm, l, fn, w.Name, w.Event, done)},
		server.contender(ctx, w.Event, done),
		{row: Row{Name: name, Start: requestSent, End: answerRead, Ratios: over}, take: s.coldWorkload(ctx, cold, l, fn, w, done), every: coldEvery},
	}
}

// coldEvery leaves the time to warm requests, which are a hundred times shorter.
const coldEvery = 4

func (s *session) coldWorkload(ctx context.Context, srv *lambent.Server, l language, fn string, w workloads.Workload, done *closers) take {
	if err := l.deploy(ctx, srv, fn, w.Name); err != nil {
		return never(err)
	}
	return coldCaller(ctx, srv, fn, w.Event, done)
}

// example measures a function of the examples.
func (s *session) example(ctx context.Context, warm, cold *lambent.Server, e Example, done *closers) []contender {
	name := "example-" + e.Name
	f := lambent.Function{Name: name, Runtime: e.Runtime, Handler: e.Handler, Zip: e.Zip}
	row := Row{Name: "example " + e.Name + ", warm", Start: requestSent, End: answerRead, Note: e.Runtime}
	warmContender := contender{row: row}
	if err := warm.Deploy(ctx, f); err != nil {
		warmContender.take = never(err)
		return []contender{warmContender}
	}
	caller, err := warm.NewCaller(ctx, name, e.Event)
	if err != nil {
		warmContender.take = never(err)
		return []contender{warmContender}
	}
	done.add(caller.Close)
	warmContender.take = warmedUp(ctx, invoking(caller, false))
	if !e.Proves {
		return []contender{warmContender}
	}
	row.Name = "example " + e.Name
	coldContender := contender{row: row, every: coldEvery, take: never(cold.Deploy(ctx, f))}
	if _, err := coldContender.take(ctx); err == nil {
		coldContender.take = coldCaller(ctx, cold, name, e.Event, done)
	}
	return []contender{warmContender, coldContender}
}
