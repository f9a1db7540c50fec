package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lambent.dev/lambent/bench/floor"
	"lambent.dev/lambent/bench/workloads"
)

// Run measures. A group that fails as a whole is a row that says why; an error means that there
// is no report at all.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	chosen, err := choose(o.Only)
	if err != nil {
		return nil, err
	}
	s, err := newSession(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	report = &Report{Format: Format, Version: o.Version, Began: time.Now().UTC(), Quick: o.Quick, Machine: machine(s.tools(ctx))}
	whole := shares(plan()) // also of a part: a group has the time that it has in a whole run
	for i, g := range chosen {
		step := Step{Number: i + 1, Of: len(chosen), Group: g.group(), Lasts: time.Duration(float64(o.Total) * g.share / whole)}
		if err := s.measure(ctx, g, step, report); err != nil {
			return nil, err
		}
	}
	compare(report.Rows)
	report.Seconds = time.Since(report.Began).Seconds()
	return report, nil
}

// choose returns the groups of some names, all without any.
func choose(names []string) ([]groupPlan, error) {
	all := plan()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []groupPlan
	for _, name := range names {
		i := slices.IndexFunc(all, func(g groupPlan) bool { return g.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no group %q: choose of %v", name, Groups())
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// shares adds up those of some groups.
func shares(groups []groupPlan) float64 {
	var whole float64
	for _, g := range groups {
		whole += g.share
	}
	return whole
}

// measure runs one group and adds what it saw to the report.
func (s *session) measure(ctx context.Context, g groupPlan, step Step, report *Report) error {
	s.progress(step)
	before, began := conditionsNow(), time.Now()
	rows, err := g.run(ctx, s, step.Lasts)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		rows = append(rows, Row{Name: g.name, Missing: oneLine(err.Error())})
		fmt.Fprintf(s.o.Warn, "%s: %v\n", g.name, err)
	}
	step.Group.Seconds = time.Since(began).Seconds()
	step.Group.Steal, step.Group.HeldMS = before.since(conditionsNow())
	for i := range rows {
		rows[i].Group = g.name
		rows[i].refuseThrottled(step.Group.HeldMS)
	}
	report.Groups, report.Rows = append(report.Groups, step.Group), append(report.Rows, rows...)
	step.Rows, step.Done = rows, true
	s.progress(step)
	return nil
}

// refuseThrottled takes the figures of a row away that was measured while a quota of CPU held
// this program itself back.
func (r *Row) refuseThrottled(heldMS float64) {
	if heldMS > 0 && r.Missing == "" {
		r.P50, r.P90, r.P99, r.P999, r.Curve = nil, nil, nil, nil, nil
		r.Missing = fmt.Sprintf("throttled: a quota of CPU held this program back for %.0f ms", heldMS)
	}
}

// session is what the groups of one run share.
type session struct {
	o         Options
	dir       string // of the run
	scripts   string // folder of the competitors' programs and the workloads
	bootstrap string // folder of Lambent's Python bootstrap; "" = unknown
	bundles   int    // of containers, for the names of their folders
	servers   int    // that were started, for the names of their folders
}

func newSession(o Options) (*session, error) {
	s := &session{o: o, dir: o.Keep}
	var err error
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "lambent-bench-"); err != nil {
			return nil, err
		}
	}
	if err := empty(s.dir); err != nil {
		return nil, err
	}
	// Functions' containers look into it as another user.
	s.scripts = filepath.Join(s.dir, "scripts")
	if err := errors.Join(os.MkdirAll(s.scripts, 0o755), os.Chmod(s.dir, 0o755)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	err = errors.Join(floor.WriteScripts(s.scripts), workloads.Write(workloads.Python, s.scripts), workloads.Write(workloads.Node, s.scripts), s.writeBootstrap())
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// empty refuses a folder that holds something: the data of an earlier run would be measured.
func empty(dir string) error {
	found, err := os.ReadDir(dir)
	if err == nil && len(found) > 0 {
		return fmt.Errorf("the folder %s is not empty: name a new one", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// close removes the run's folder, unless it is to be kept.
func (s *session) close() error {
	if s.o.Keep != "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

func (s *session) progress(step Step) {
	if s.o.Progress != nil {
		s.o.Progress(step)
	}
}
