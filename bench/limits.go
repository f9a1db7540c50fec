package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/load"
)

const methodLimits = "A function has a reserved concurrency of ten. After ten requests that start its instances, each connection sends one request, all let go together, to a function that sleeps for half a second, then again to one that sleeps for 5 ms. The function answers with the moments between which it ran; from these is counted how many ran at once. More than the limit, another refusal than Lambda's, or a request without either makes the whole run fail."

// reserved is the concurrency that the function has.
const reserved = 10

func limits(ctx context.Context, s *session, _ time.Duration) (rows []Row, err error) {
	srv, err := s.serve(ctx, roomForAll)
	if err != nil {
		return nil, err
	}
	done := closers{srv.Close}
	defer func() { err = errors.Join(err, done.close()) }()
	if err := s.reservedFunction(ctx, srv); err != nil {
		return nil, err
	}
	var seen outcome
	for _, round := range []struct {
		senders, ms int
	}{
		{reserved, 500},        // starts all instances that there may be
		{s.o.Connections, 500}, // is the limit reached?
		{s.o.Connections, 5},   // is it held while many come and go?
	} {
		if err := seen.round(ctx, srv, round.senders, round.ms); err != nil {
			return nil, err
		}
	}
	return []Row{limitRow(seen.spans, seen.refused)}, nil
}

// outcome is what became of all requests.
type outcome struct {
	spans   []span
	refused map[string]int // by reason
}

// round sends n requests at once to a function that runs for ms.
func (o *outcome) round(ctx context.Context, srv *lambent.Server, n, ms int) error {
	var done closers
	callers, err := callersOf(ctx, srv, "reserved", fmt.Sprintf(`{"ms":%d}`, ms), n, &done)
	if err != nil {
		return errors.Join(err, done.close())
	}
	answers := make([]lambent.Invocation, n)
	err = load.Burst(n, func(worker int) (err error) {
		answers[worker], err = callers[worker].Invoke()
		return err
	})
	if err := errors.Join(err, done.close()); err != nil {
		return err
	}
	return o.count(answers)
}

func (o *outcome) count(answers []lambent.Invocation) error {
	if o.refused == nil {
		o.refused = map[string]int{}
	}
	for _, a := range answers {
		if a.Refused != "" {
			o.refused[a.Refused]++
			continue
		}
		var ran span
		if err := json.Unmarshal(a.Body, &ran); err != nil {
			return fmt.Errorf("reading when the function ran: %w", err)
		}
		o.spans = append(o.spans, ran)
	}
	return nil
}

func (s *session) reservedFunction(ctx context.Context, srv *lambent.Server) error {
	python := s.languages()[0]
	zip, err := python.pack("overlap")
	if err != nil {
		return err
	}
	f := lambent.Function{Name: "reserved", Runtime: python.runtime, Handler: "overlap.handler", Zip: zip, Reserved: reserved}
	return srv.Deploy(ctx, f)
}

// span is when a function ran, in µs of the real-time clock.
type span struct{ Began, Ended int64 }

// mostAtOnce is the greatest number of spans that share a moment.
func mostAtOnce(spans []span) int {
	type edge struct {
		at    int64
		delta int
	}
	var edges []edge
	for _, s := range spans {
		edges = append(edges, edge{s.Began, 1}, edge{s.Ended, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int { // one that ends makes room for one that begins
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.delta - b.delta
	})
	now, most := 0, 0
	for _, e := range edges {
		now += e.delta
		most = max(most, now)
	}
	return most
}

// limitRow is the verdict.
func limitRow(spans []span, refused map[string]int) Row {
	most := float64(mostAtOnce(spans))
	row := Row{
		Name: "lambent, most that ran at once", Start: "a handler begins", End: "it returns", Unit: "at once",
		N: len(spans), P50: &most, Limit: &Limit{Most: reserved},
		Note: fmt.Sprintf("%d answered, refused: %s", len(spans), counted(refused)),
	}
	switch {
	case most > reserved:
		row.Broken = fmt.Sprintf("%d ran at once, the limit is %d", int(most), reserved)
	case len(refused) > 1 || len(refused) == 1 && refused[reservedReason] == 0:
		row.Broken = "refused with another reason than " + reservedReason + ": " + counted(refused)
	case len(refused) > 0 && most < reserved:
		row.Broken = fmt.Sprintf("requests were refused, and only %d of %d ran at once", int(most), reserved)
	}
	return row
}

// reservedReason is AWS's for a function that is at its reserved concurrency.
const reservedReason = "ReservedFunctionConcurrentInvocationLimitExceeded"
