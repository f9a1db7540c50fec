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

const methodBurst = "Requests to as many different Python functions are let go together, each over a connection of its own; a sample is the time until the last of them has been answered. The floor is a bare zygote that is asked for as many forks at once, each of which imports the same module." + proofOfCold

// burstSizes are how many start at once.
func burstSizes(quick bool) []int {
	if quick {
		return []int{1, 10}
	}
	return []int{1, 10, 100}
}

func bursts(ctx context.Context, s *session, d time.Duration) (rows []Row, err error) {
	srv, err := s.serve(ctx, everyInvokeStarts)
	if err != nil {
		return nil, err
	}
	done := closers{srv.Close}
	defer func() { err = errors.Join(err, done.close()) }()
	sizes := burstSizes(s.o.Quick)
	callers, err := s.manyFunctions(ctx, srv, sizes[len(sizes)-1], &done)
	if err != nil {
		return nil, err
	}
	z, err := s.zygote(ctx)
	if err != nil {
		return nil, err
	}
	done.add(z.Close)
	var all []contender
	kinds := map[string]map[string]int{}
	for _, n := range sizes {
		seen := map[string]int{}
		c := burstContender(callers[:n], seen)
		kinds[c.row.Name] = seen
		all = append(all, c, forksContender(z, n))
	}
	seen, err := turns{length: 1, rest: 300 * time.Millisecond, least: 1}.run(ctx, d, all)
	rows = rowsOf(seen)
	for i := range rows {
		if k := kinds[rows[i].Name]; len(k) > 0 {
			rows[i].Note = "starts: " + counted(k)
		}
	}
	return rows, err
}

// manyFunctions deploys n Python functions and connects a caller to each.
func (s *session) manyFunctions(ctx context.Context, srv *lambent.Server, n int, done *closers) ([]*lambent.Caller, error) {
	python := s.languages()[0]
	all := make([]*lambent.Caller, n)
	err := load.Burst(min(n, deployers), func(worker int) error {
		for i := worker; i < n; i += min(n, deployers) {
			if err := python.deploy(ctx, srv, "hello-"+strconv.Itoa(i), "hello"); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range n {
		if err != nil {
			return nil, err
		}
		if all[i], err = srv.NewCaller(ctx, "hello-"+strconv.Itoa(i), helloEvent); err == nil {
			done.add(all[i].Close)
		}
	}
	return all, err
}

// deployers is how many calls of the API deploy functions at once.
const deployers = 8

func forksName(n int) string { return fmt.Sprintf("%d bare zygote forks", n) }

func burstContender(callers []*lambent.Caller, kinds map[string]int) contender {
	n := len(callers)
	ratio := Ratio{Over: "burst/" + forksName(n)}
	if n == 100 {
		ratio.MostP50 = 2.5
	}
	return contender{
		row: Row{
			Name: fmt.Sprintf("lambent python, %d at once", n), Start: "the requests are let go", End: "the last answer has been read",
			Ratios: []Ratio{ratio},
		},
		take: func(ctx context.Context) (sample, error) {
			if err := ready(ctx, callers); err != nil {
				return sample{}, err
			}
			return burst(callers, kinds)
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
