package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/bench"
	"lambent.dev/lambent/bench/page"
	"lambent.dev/lambent/internal/bundle"
	"lambent.dev/lambent/internal/move"
	"lambent.dev/lambent/internal/price"
)

// measure runs the bench's group tiers on one function.
func (f *taxFlags) measure(c *cobra.Command, function string) error {
	prices, err := price.Load(f.prices)
	if err != nil {
		return err
	}
	s, err := f.server.open()
	if err != nil {
		return err
	}
	subject, err := f.subject(c.Context(), s, function)
	if err != nil {
		return err
	}
	report, err := f.run(c, subject)
	if err != nil {
		return err
	}
	if err := warnOfOld(c, prices); err != nil {
		return err
	}
	hour, as := machineHour(prices, s.settings.Price.MachineMonth)
	t := taxOf(report, cmp.Or(function, "A greeting"), as, hour)
	if f.html != "" {
		if err := writeTo(f.html, func(w io.Writer) error { return page.Write(w, report) }); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
	}
	return show(c.OutOrStdout(), *f.output, t, t.print)
}

func (f *taxFlags) run(c *cobra.Command, subject *bench.Example) (*bench.Report, error) {
	if f.seconds <= 0 {
		return nil, &usageError{fmt.Errorf("--seconds %g is not above 0", f.seconds)}
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	return bench.Run(c.Context(), bench.Options{
		Version: Version, Program: program, Helper: beside(program, "lambent-bench"), Only: []string{"tiers"}, Subject: subject,
		Total:  bench.TotalFor("tiers", time.Duration(f.seconds*float64(time.Second))),
		Python: benchInterpreter("python"), Node: benchInterpreter("nodejs"), Progress: progressOf(c.ErrOrStderr()), Warn: c.ErrOrStderr(),
	})
}

// subject is the function that is measured: what lies at a path, or is deployed. nil is the
// greeting.
func (f *taxFlags) subject(ctx context.Context, s *server, function string) (*bench.Example, error) {
	if function == "" {
		return nil, nil
	}
	event, err := readPayload(os.Stdin, []string{f.event})
	if err != nil {
		return nil, err
	}
	var e *bench.Example
	if _, bad := os.Stat(function); bad == nil {
		e, err = packed(ctx, function)
	} else {
		e, err = s.deployed(ctx, function)
	}
	if err != nil {
		return nil, err
	}
	e.Event = string(event)
	return e, nil
}

func packed(ctx context.Context, path string) (*bench.Example, error) {
	p, err := bundle.Make(ctx, path, bundle.Options{Newest: newestRuntime, Interpreter: interpreter})
	if err != nil {
		return nil, err
	}
	return &bench.Example{Name: p.Name, Runtime: p.Runtime, Handler: p.Handler, Zip: p.Zip}, nil
}

// deployed copies a function of the server.
func (s *server) deployed(ctx context.Context, name string) (*bench.Example, error) {
	from := &move.API{Client: s.api, HTTP: http.DefaultClient}
	found, err := from.Function(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s is no folder, zip or file here, and no function of the server: %w", name, s.explain(err))
	}
	v := &found.Versions[len(found.Versions)-1] // $LATEST
	if len(v.Layers) > 0 {
		return nil, errors.New("a function with layers cannot be measured: put what they hold into its folder and name that")
	}
	zip, err := from.Code(ctx, name, v)
	if err != nil {
		return nil, err
	}
	return &bench.Example{Name: name, Runtime: v.Runtime, Handler: v.Handler, Zip: zip, Memory: v.Memory, Environment: v.Environment}, nil
}
