package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/logs"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/store"
)

// Logs are the stored lines of functions; *logs.Store is one.
type Logs interface {
	Read(ctx context.Context, id lambda.FunctionID, q logs.Query) ([]logs.Record, logs.Position, error)
	Follow(ctx context.Context, id lambda.FunctionID, q logs.Query) iter.Seq2[logs.Record, error]
}

// Functions knows which functions there are; every store.Store is one.
type Functions interface {
	Function(ctx context.Context, id lambda.FunctionID) (lambda.Function, error)
}

// Slowest has the receipts of a function's slowest invocations; a *slowest.List does.
type Slowest interface {
	Of(ctx context.Context, id lambda.FunctionID) ([]receipt.Receipt, error)
}

// Deps are what the answers come from.
type Deps struct {
	Logs            Logs
	Functions       Functions
	Receipts        *Receipts
	Slowest         Slowest
	Account, Region string // of functions that are named without them

	// HandOver speaks package handover with a server that wants to take this one's place.
	// Nil where that is not offered. The connection is closed when it returns.
	HandOver func(*net.UnixConn)
	// Passed returns what answers at a front that another server names in PassOn, nil for an
	// unknown one. Nil where nothing is passed on.
	Passed func(front string) http.Handler
}

type server struct {
	Deps
	ending context.Context // a request that follows a log ends with it
}

// Handler answers on the socket. Requests that would go on for ever end with ctx, so that
// a server that shuts down need not wait for those who watch it.
func Handler(ctx context.Context, d Deps) http.Handler {
	s := &server{d, ctx}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/functions/{name}/log", s.log)
	mux.HandleFunc("GET /v1/functions/{name}/receipts", s.receipts)
	mux.HandleFunc("GET /v1/functions/{name}/slowest", s.slowest)
	mux.HandleFunc("POST "+handoverPath, s.handOver)
	return s.orPassed(mux)
}

// log answers with a function's lines as they are stored, then, if asked, as they come.
func (s *server) log(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id, err := s.find(r.Context(), r.PathValue("name"))
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	if err := s.write(r.Context(), w, out, id, query); err != nil && r.Context().Err() == nil {
		_ = out.Encode(Line{Error: err.Error()}) // the reader left: nobody to tell
	}
}

func (s *server) write(ctx context.Context, w http.ResponseWriter, out *json.Encoder, id lambda.FunctionID, q Query) error {
	if q.Follow {
		return s.follow(ctx, w, out, id, q)
	}
	query := logs.Query{From: q.Since, To: time.Now()} // an end, also while lines keep coming
	for {
		records, next, err := s.Logs.Read(ctx, id, query)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			if err := out.Encode(lineOf(r)); err != nil {
				return err
			}
		}
		query.After = next
	}
}

var errEnding = errors.New("the server is shutting down")

// follow sends each line at once. It ends when the reader leaves or the server does.
func (s *server) follow(ctx context.Context, w http.ResponseWriter, out *json.Encoder, id lambda.FunctionID, q Query) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(s.ending, func() { end(errEnding) })()
	flush(w) // the reader learns that it follows before there is a line
	for r, err := range s.Logs.Follow(ctx, id, logs.Query{From: q.Since}) {
		if errors.Is(err, errEnding) {
			return nil
		}
		if err == nil {
			err = out.Encode(lineOf(r))
		}
		if err != nil {
			return err
		}
		flush(w)
	}
	return nil
}

var errNoFunction = errors.New("there is no function of this name, and no log of one")

// find reads the name of a function that exists, or that has left a log.
func (s *server) find(ctx context.Context, name string) (lambda.FunctionID, error) {
	var v lambda.Violations
	ref := lambda.NameToRead.Parse(name, &v)
	if v.Err() != nil {
		return lambda.FunctionID{}, errNoFunction
	}
	id, err := ref.Resolve(s.Account, s.Region)
	if err != nil {
		return id, err
	}
	_, err = s.Functions.Function(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = s.hasLog(ctx, id)
	}
	return id, err
}

func (s *server) hasLog(ctx context.Context, id lambda.FunctionID) error {
	records, _, err := s.Logs.Read(ctx, id, logs.Query{Limit: 1})
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	if len(records) == 0 {
		return errNoFunction
	}
	return nil
}

func statusOf(err error) int {
	if errors.Is(err, errNoFunction) || errors.As(err, new(*lambda.Error)) {
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}
