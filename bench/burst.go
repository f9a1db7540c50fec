package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lambent.dev/lambent/bench/floor"
	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/load"
)

const methodBurst = "Requests to as many different Python functions are let go together, each over a connection of its own; a sample is the time until the last of them has been answered. A rest follows until the machine is idle, 4 s at most, in which what ended is cleaned up and stems are made anew. The floor is a bare zygote that is asked for as many forks at once, each of which imports the same module." + proofOfCold

// burstSizes are how many start at once.
func burstSizes(quick bool) []int {
	if quick {
		return []int{1, 10}
	}
	return []int{1, 10, 100}
}

func bursts(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	var done closers
	defer func() { err = errors.Join(err, done.close()) }()
	sizes := burstSizes(s.o.Quick)
	callers, err := s.burstCallers(ctx, sizes[len(sizes)-1], &done)
	if err != nil {
		return nil, err
	}
	z, err := s.zygote(ctx)
	if err != nil {
		return nil, err
	}
	done.add(z.Close)
	var all []contender
	kinds := map[string]map[string]int{} // of the starts of a row
	for _, n := range sizes {
		c := burstContender(callers[:n], kinds)
		all = append(all, c, forksContender(z, n))
	}
	seen, err := turns{length: 1, rest: 300 * time.Millisecond, calm: 4 * time.Second, least: 1}.run(ctx, d, all)
	return noteKinds(rowsOf(seen), kinds), err
}

// noteKinds writes how instances were started beside each row.
func noteKinds(rows []Row, kinds map[string]map[string]int) []Row {
	for i := range rows {
		if k := kinds[rows[i].Name]; len(k) > 0 {
			rows[i].Note = "starts: " + counted(k)
		}
	}
	return rows
}

// burstCallers are those of n functions on a server of their own.
func (s *session) burstCallers(ctx context.Context, n int, done *closers) ([]*lambent.Caller, error) {
	srv, err := s.serve(ctx, everyInvokeStarts)
	if err != nil {
		return nil, err
	}
	done.add(srv.Close)
	return s.manyFunctions(ctx, srv, n, done)
}

// manyFunctions deploys n Python functions and connects a caller to each.
func (s *session) manyFunctions(ctx context.Context, srv *lambent.Server, n int, done *closers) ([]*lambent.Caller, error) {
	python := s.languages()[0]
	err := shared(n, func(i int) error { return python.deploy(ctx, srv, "hello-"+strconv.Itoa(i), "hello") })
	if err != nil {
		return nil, err
	}
	all := make([]*lambent.Caller, n)
	for i := range all {
		if all[i], err = srv.NewCaller(ctx, "hello-"+strconv.Itoa(i), helloEvent); err != nil {
			return nil, err
		}
		done.add(all[i].Close)
	}
	return all, nil
}

// deployers is how many calls prepare a measurement at once.
const deployers = 8

// shared does n things, some of them at once.
func shared(n int, do func(i int) error) error {
	return load.Burst(min(n, deployers), func(worker int) error {
		for i := worker; i < n; i += min(n, deployers) {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	})
}

func forksName(n int) string { return fmt.Sprintf("%d bare zygote forks", n) }

func burstContender(callers []*lambent.Caller, kinds map[string]map[string]int) contender {
	n := len(callers)
	name, seen := fmt.Sprintf("lambent python, %d at once", n), map[string]int{}
	kinds[name] = seen
	ratio := Ratio{Over: "burst/" + forksName(n)}
	if n == 100 {
		ratio.MostP50 = 2.5
	}
	return contender{
		row: Row{
			Name: name, Start: "the requests are let go", End: "the last answer has been read",
			Ratios: []Ratio{ratio},
		},
		take: func(ctx context.Context) (sample, error) {
			if err := ready(ctx, callers); err != nil {
				return sample{}, err
			}
			return burst(callers, seen)
		},
	}
}

// ready connects callers anew where they have rested for long.
func ready(ctx context.Context, callers []*lambent.Caller) error {
	for _, c := range callers {
		if err := c.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// burst sends all at once. Its sample is refused or not cold if one of them is.
func burst(callers []*lambent.Caller, kinds map[string]int) (sample, error) {
	seen := make([]sample, len(callers))
	began := time.Now()
	err := load.Burst(len(callers), func(worker int) error {
		i, err := callers[worker].Invoke()
		seen[worker] = sampled(i, true)
		return err
	})
	whole := sample{took: time.Since(began)}
	for _, one := range seen {
		whole.held += one.held
		whole.notCold = whole.notCold || one.notCold
		if one.refused != "" {
			whole.refused = one.refused
			continue
		}
		kinds[one.kind]++
	}
	return whole, err
}

func forksContender(z *floor.Zygote, n int) contender {
	return contender{
		row:  Row{Name: forksName(n), Start: "the first request is about to be written to the zygote", End: "the last child's answer has been read"},
		take: timing(func() (floor.Timing, error) { return z.Fork(n, "hello", helloEvent) }),
	}
}
