package sandboxtest

import (
	"encoding/json"

	"lambent.dev/lambent/internal/sandbox"
)

// Outcome is what an attacking probe reports.
type Outcome struct {
	OK    bool   // the kernel let it
	Value string // what it got hold of
	Error string // why not
}

// attempt runs an attack of the probe. A probe that was killed has achieved nothing.
func (r *rig) attempt(box sandbox.Sandbox, args ...string) Outcome {
	r.Helper()
	return r.outcome(r.start(box, probe(args...)))
}

// outcome waits for an attack's report.
func (r *rig) outcome(p *running) Outcome {
	r.Helper()
	e := r.exit(p)
	var o Outcome
	if err := json.Unmarshal([]byte(p.stdout.String()), &o); err != nil {
		detail, _ := json.Marshal(e) // always possible
		return Outcome{Error: "no report, exit " + string(detail) + ": " + p.stderr.String()}
	}
	return o
}
