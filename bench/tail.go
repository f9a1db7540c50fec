package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const methodTail = "The maximum rate is that of a short closed loop of 16 connections. Then requests are sent at half of it, whatever earlier ones are doing; each one's latency counts from the moment at which it was meant to be sent (open loop, 48 connections), lateness of the load generator included. Lambent's server has memory for four instances. The floors are measured in the same way, each at half of its own maximum, for a tenth of the time."

func tail(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	python := s.languages()[0]
	f, err := s.fourInstances(ctx, python, senders, &done)
	rows = s.tailRows(ctx, "lambent python", f, err, d*8/10)
	for _, p := range []plain{s.plainServers()[0], s.plainPython(plainPython, "hello")} {
		f, err := s.flood(ctx, p, senders, &done)
		rows = append(rows, s.tailRows(ctx, p.name, f, err, d/10)...)
	}
	return rows, nil
}

// tailLimit is how many times its median a 99th percentile may be.
const tailLimit = 4

// tailRows are the latencies at half the maximum rate, and how far the tail is from the middle.
func (s *session) tailRows(ctx context.Context, name string, f flood, err error, d time.Duration) []Row {
	c := contender{row: Row{Name: name, Start: "the request is meant to be sent", End: answerRead}}
	flat := Row{Name: name + ", p99 over p50", Start: c.row.Start, End: c.row.End, Unit: "×"}
	if strings.HasPrefix(name, "lambent") {
		flat.Limit = &Limit{Most: tailLimit}
	}
	seen := newSeries(c)
	var most float64
	if err == nil {
		most, err = f[:connections].perSecond(ctx, 2*s.slice())
	}
	if err == nil {
		var samples []sample
		samples, err = f.open(ctx, rate{perSecond: most / 2, slice: d})
		for _, one := range samples {
			seen.add(one)
		}
	}
	seen.failed = err
	row := seen.rows()[0]
	row.Note = fmt.Sprintf("%.0f/s, half of %.0f/s, for %.0f s", most/2, most, d.Seconds())
	flat.N, flat.P50, flat.Missing = row.N, quotient(row.P99, row.P50), row.Missing
	if flat.P50 == nil && flat.Missing == "" {
		flat.Missing = "too few samples for a p99"
	}
	return []Row{row, flat}
}
