package bench

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/bench/floor"
	"lambent.dev/lambent/bench/load"
)

const methodSandbox = "As many goroutines as there are CPUs make and destroy sandboxes of the tier light in this program, through the same drivers as the server's, for slices of half a second; slices alternate with ones of spawning /bin/true. A sample is the rate of one slice."

// slice is how long a rate is counted.
func (s *session) slice() time.Duration {
	if s.o.Quick {
		return 100 * time.Millisecond
	}
	return 500 * time.Millisecond
}

func sandboxes(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	if s.o.Boxes == nil {
		return nil, errors.New("sandboxes of the tier light cannot be made here")
	}
	boxes, err := s.o.Boxes(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, boxes.Close()) }()
	ours := s.counting(func(ctx context.Context) error { return boxes.Cycle(ctx) })
	ours.row = Row{Name: "light sandboxes", Start: "Create is called", End: "Close has returned", Unit: "1/s", Ratios: []Ratio{{Over: "sandbox/" + floorTrue, LeastP50: 0.3}}}
	command := floor.Command{Args: []string{"/bin/true"}, Env: os.Environ()}
	spawns := s.counting(func(context.Context) error { _, err := command.UntilExit(); return err })
	spawns.row = Row{Name: floorTrue, Start: aboutToSpawn, End: reaped, Unit: "1/s"}
	if _, err := ours.rate(ctx); err != nil { // fills the pools that sandboxes are made of
		return nil, err
	}
	seen, err := turns{length: 1, rest: 50 * time.Millisecond, least: 1}.run(ctx, d, []contender{ours, spawns})
	return rowsOf(seen), err
}

// counting is a contender whose sample is how often do ran in a slice, by the second.
func (s *session) counting(do func(context.Context) error) contender {
	return contender{rate: func(ctx context.Context) (float64, error) {
		return perSecond(ctx, s.slice(), func() error { return do(ctx) })
	}}
}

// perSecond counts how often do runs in a slice, on all CPUs.
func perSecond(ctx context.Context, d time.Duration, do func() error) (float64, error) {
	var count atomic.Int64
	began := time.Now()
	err := load.Closed(ctx, runtime.NumCPU(), d, func(int) error {
		count.Add(1)
		return do()
	})
	return float64(count.Load()) / time.Since(began).Seconds(), err
}
