package daemon

import (
	"context"
	"io"
	"net/http"
	"net/http/pprof"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/telemetry"
)

// adminHandler answers health, metrics and profiles. It is served on loopback only.
func (d *Daemon) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /readyz", ok) // the listener opens when everything is ready
	mux.Handle("GET /metrics", telemetry.Handler(d.registry))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}

// controlHandler answers the command line over the socket in the data folder.
func (d *Daemon) controlHandler(ctx context.Context) http.Handler {
	return control.Handler(ctx, control.Deps{
		Logs: d.parts.logs, Functions: d.parts.store, Receipts: &d.receipts, Slowest: d.slowest, Account: d.cfg.Account, Region: d.cfg.Region,
		HandOver: d.handOver, Passed: d.passed,
	})
}

func ok(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // the client left: nobody to tell
}
