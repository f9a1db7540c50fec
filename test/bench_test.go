package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lambent.dev/lambent/bench"
)

// TestBench runs the benchmark as short as can be and looks at its report, not at its figures:
// every group is there, Lambent and its floors were measured or the row says why, starts are
// proved to be cold.
func TestBench(t *testing.T) {
	if os.Geteuid() != 0 && os.Getenv("CI") != "true" {
		t.Skip("the benchmark needs root, for the tier light")
	}
	t.Parallel() // its figures are not looked at
	dir, folder := t.TempDir(), programs(t)
	besides(t, folder, "awslambdaric")
	page, doc := filepath.Join(dir, "bench.html"), filepath.Join(dir, "doc.md")
	if err := os.WriteFile(doc, []byte("<!-- lambent bench: begin -->\n<!-- lambent bench: end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(folder, "lambent"), "bench", "--quick", "--output", "json", "--html", page, "--markdown", doc, "--examples", "../examples")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.Bytes())
	}
	var r bench.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	complete(t, &r)
	for _, path := range []string{page, doc} {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), "Warm requests") {
			t.Errorf("%s lacks the report: %v", path, err)
		}
	}
}

func complete(t *testing.T, r *bench.Report) {
	t.Helper()
	if r.Format != bench.Format || !r.Quick || r.Machine.Kernel == "" || r.Machine.CPU == "" || r.Machine.Load == "" {
		t.Errorf("the report lacks where it was made: %+v", r.Machine)
	}
	for _, g := range bench.Groups() {
		if !slices.ContainsFunc(r.Groups, func(have bench.Group) bool { return have.Name == g && have.Method != "" }) {
			t.Errorf("group %s is absent", g)
		}
	}
	for _, row := range r.Rows {
		if row.Missing == "" && (row.P50 == nil || row.N == 0 || row.Unit == "" || row.Start == "" || row.End == "") {
			t.Errorf("row %s is not complete: %+v", row.ID(), row)
		}
		if row.Missing != "" && mustMeasure(row.ID()) {
			t.Errorf("row %s was not measured: %s", row.ID(), row.Missing)
		}
	}
	for _, want := range required {
		if !slices.ContainsFunc(r.Rows, func(row bench.Row) bool { return regexp.MustCompile("^" + want + "$").MatchString(row.ID()) }) {
			t.Errorf("no row %s", want)
		}
	}
}

// mustMeasure is false for what a host may lack, and what a short run may leave out.
func mustMeasure(id string) bool {
	lacking := []string{"runc", "crun", "stem", "p99 over p50", "at 50/s", "tiers/gvisor", "tiers/microvm", "isolation/gvisor", "isolation/runsc", "egress"}
	if os.Getenv("CI") != "true" {
		lacking = append(lacking, "awslambdaric") // of a package registry
	}
	for _, may := range lacking {
		if strings.Contains(id, may) {
			return false
		}
	}
	return true
}

// required are the rows that stand for their groups, the start kind left open.
var required = []string{
	`cold/lambent python, \w+`, `cold/lambent node, \w+`, `cold/lambent go, \w+`, `cold/Go program, bare`, `cold/python3 with the same imports`, `cold/node -e 0`,
	`cold/bare fork of a zygote`, `cold/runc, python`, `cold/crun, python`, `idle/lambent python, \w+`, `rate/lambent python at 4/s, \w+`,
	`burst/lambent python, 10 at once, \w+|burst/lambent python, 10 at once`, `burst/10 bare zygote forks`, `sandbox/light sandboxes`, `sandbox//bin/true`,
	`warm/lambent python`, `warm/lambent node`, `warm/lambent go`, `warm/net/http echo`, `warm/http.server, same handler`, `warm/node:http, same handler`, `warm/bare relay, same Python handler`,
	`warm/bare Runtime API, official Go client`, `warm/lambent awslambdaric`, `warm/bare Runtime API, awslambdaric`, `throughput/lambent awslambdaric, four instances`, `throughput/lambent python, four instances`, `throughput/net/http echo`, `tail/lambent python`,
	`neighbour/lambent matchmaker, beside 20 burners`, `limits/lambent, most that ran at once`, `memory/python instance, private`, `memory/server, functions idle, PSS`,
	`tiers/light, cold`, `tiers/light, warm`, `tiers/light, requests per second`, `tiers/light, idle instance`,
	`isolation/gvisor python(, \w+)?`, `isolation/runsc run, same function`, `isolation/light python, \w+`, `isolation/light python with egress(, \w+)?`, `isolation/egress adds(, \w+)?`,
	`workloads/python page, warm`, `workloads/node page, \w+`, `workloads/example thumbnail, warm`,
}
