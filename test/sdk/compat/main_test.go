package compat

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lambent.dev/lambent/test/sdk/lambent"
)

// reportPath is where the run writes what it found, as a page of the documentation.
var reportPath = flag.String("report", "", "write the table of scenarios and results to this file")

// suite is what all scenarios share; it is set before the first of them.
var suite struct {
	daemon     *lambent.Daemon
	recordings map[string]Recording
	runtimes   runtimes // what this host offers
	store      *objectStore
	results    results
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambent-compat-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	if suite.recordings, err = LoadRecordings(filepath.Join("testdata", "recordings")); err != nil {
		return failed(err)
	}
	if os.Geteuid() != 0 { // each scenario skips and says so
		return m.Run()
	}
	stop, err := start(dir)
	if err != nil {
		return failed(err)
	}
	code := m.Run()
	if err := stop(); err != nil {
		return failed(err)
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "output of lambent:\n%.20000s\n", suite.daemon.Output())
	}
	if err := suite.results.write(*reportPath); err != nil {
		return failed(err)
	}
	return code
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// start builds Lambent and starts it, once for all scenarios.
func start(dir string) (stop func() error, err error) {
	binaries := filepath.Join(dir, "bin")
	if err := os.Mkdir(binaries, 0o755); err != nil {
		return nil, err
	}
	if err := lambent.Build(filepath.Join("..", "..", ".."), binaries); err != nil {
		return nil, err
	}
	suite.store = newObjectStore()
	suite.daemon, err = lambent.Start(binaries, filepath.Join(dir, "data"), filepath.Join(dir, "lambent.log"), suite.store.settings()...)
	if err != nil {
		suite.store.close()
		return nil, err
	}
	stop = func() error {
		defer suite.store.close()
		return suite.daemon.Stop()
	}
	if suite.runtimes, err = offered(context.Background(), suite.daemon); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}
