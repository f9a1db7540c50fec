package sandboxtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// Bench measures the steps of a start, from Create to the first byte that the probe sends
// over a stream, and of the end. It reports medians and 99th percentiles in
// milliseconds: "bind-p50-ms".
func (s Suite) Bench(b *testing.B) {
	s.require(b)
	code := buildProbe(b)
	config := newConfig(b)
	template := prepare(b, s.driver(b, config), s.base())
	r := &rig{config: config, code: code, boxes: new(atomic.Int64)}
	times := stopwatch{}
	for b.Loop() {
		if err := times.life(b.Context(), template, r); err != nil {
			b.Fatal(err)
		}
	}
	times.report(b)
}

// stopwatch holds durations by step.
type stopwatch map[string][]time.Duration

// lap measures one step.
func (w stopwatch) lap(step string, f func() error) error {
	begin := time.Now()
	err := f()
	w[step] = append(w[step], time.Since(begin))
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return nil
}

func (w stopwatch) life(ctx context.Context, t sandbox.Template, r *rig) (err error) {
	var box sandbox.Sandbox
	if err := w.lap("create", func() (err error) { box, err = t.Create(ctx, r.id()); return err }); err != nil {
		return err
	}
	defer func() {
		closed := w.lap("close", func() error { return box.Close(ctx) })
		if err == nil {
			err = closed
		}
	}()
	if err := w.lap("bind", func() error { return box.Bind(ctx, r.workload()) }); err != nil {
		return err
	}
	var conn net.Conn
	if err := w.lap("first-byte", func() (err error) { conn, err = firstByte(ctx, box); return err }); err != nil {
		return err
	}
	defer conn.Close()
	for range roundTrips {
		if err := w.lap("round-trip", func() error { return roundTrip(conn) }); err != nil {
			return err
		}
	}
	return nil
}

// roundTrips are made in each box: what isolation costs once a function is warm.
const roundTrips = 100

// firstByte runs the probe and waits for an answer on its stream.
func firstByte(ctx context.Context, box sandbox.Sandbox) (net.Conn, error) {
	c := probe("echo")
	c.Stream = true
	if _, err := box.Run(ctx, c); err != nil {
		return nil, err
	}
	conn, err := box.Open(ctx)
	if err != nil {
		return nil, err
	}
	if err := roundTrip(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func roundTrip(conn net.Conn) error {
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	_, err := conn.Read(make([]byte, 1))
	return err
}

func (w stopwatch) report(b *testing.B) {
	for step, times := range w {
		slices.Sort(times)
		for _, percent := range []int{50, 99} {
			at := times[min(len(times)*percent/100, len(times)-1)]
			b.ReportMetric(float64(at)/float64(time.Millisecond), fmt.Sprintf("%s-p%d-ms", step, percent))
		}
	}
}
