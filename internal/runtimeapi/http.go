package runtimeapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/http1"
	"lambent.dev/lambent/internal/lambda"
)

// Version is the path prefix of the Runtime API.
const Version = "/2018-06-01"

// Headers of the Runtime API.
const (
	headerRequestID     = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline      = "Lambda-Runtime-Deadline-Ms"
	headerARN           = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace         = "Lambda-Runtime-Trace-Id"
	headerClientContext = "Lambda-Runtime-Client-Context"
	headerIdentity      = "Lambda-Runtime-Cognito-Identity"
	headerTenant        = "Lambda-Runtime-Aws-Tenant-Id"
	headerMode          = "Lambda-Runtime-Function-Response-Mode"
	headerErrorType     = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody     = "Lambda-Runtime-Function-Error-Body"
)

// Handler serves AWS's Runtime API for the session that current returns at the time
// of each request: after a reset a runtime finds a fresh session at the same address.
// A nil session answers like a closed one. Bodies are bounded by the sink's cap; the
// server must bound headers and connections.
func Handler(current func() *Session) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := current()
		if s == nil {
			s = NewSession()
			s.Close(errors.New("no runtime was started"))
		}
		s.route(w, r)
	})
}

// endpoint is one thing that can be asked for.
type endpoint struct {
	method string
	serve  func(s *Session, w http.ResponseWriter, r *http.Request, id string)
}

// route finds the endpoint of a path: every request gets an answer.
func (s *Session) route(w http.ResponseWriter, r *http.Request) {
	e, id, found := lookUp(r.URL.Path)
	switch {
	case !found:
		writeError(w, http.StatusNotFound, "ResourceNotFound", "the runtime API has no such path")
	case r.Method != e.method:
		w.Header().Set("Allow", e.method)
		writeError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "use "+e.method)
	default:
		e.serve(s, w, r, id)
	}
}

func lookUp(path string) (e endpoint, id string, found bool) {
	if path == Version+"/ping" || path == "/ping" {
		return endpoint{http.MethodGet, (*Session).servePing}, "", true
	}
	rest, ok := strings.CutPrefix(path, Version+"/runtime/")
	if !ok {
		return endpoint{}, "", false
	}
	switch rest {
	case "invocation/next":
		return endpoint{http.MethodGet, (*Session).serveNext}, "", true
	case "init/error":
		return endpoint{http.MethodPost, (*Session).serveInitError}, "", true
	case "restore/next":
		return endpoint{http.MethodGet, (*Session).serveRestore}, "", true
	case "restore/error":
		return endpoint{http.MethodPost, (*Session).serveRestore}, "", true
	}
	return lookUpInvocation(rest)
}

// lookUpInvocation finds invocation/{id}/response and invocation/{id}/error.
func lookUpInvocation(rest string) (e endpoint, id string, found bool) {
	parts := strings.Split(rest, "/")
	if len(parts) != 3 || parts[0] != "invocation" || parts[1] == "" {
		return endpoint{}, "", false
	}
	switch parts[2] {
	case "response":
		return endpoint{http.MethodPost, (*Session).serveResponse}, parts[1], true
	case "error":
		return endpoint{http.MethodPost, (*Session).serveError}, parts[1], true
	}
	return endpoint{}, "", false
}

func (s *Session) servePing(w http.ResponseWriter, _ *http.Request, _ string) {
	s.begin()
	_, _ = io.WriteString(w, "pong") // a runtime that left needs no answer
}

// serveRestore answers for snapshots, which this runtime did not come from.
func (s *Session) serveRestore(w http.ResponseWriter, _ *http.Request, _ string) {
	s.begin()
	writeError(w, http.StatusForbidden, "InvalidStateTransition", "the function does not use SnapStart")
}

// serveNext waits for an invocation as long as the runtime does.
func (s *Session) serveNext(w http.ResponseWriter, r *http.Request, _ string) {
	t, err := s.next(w, r)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	setEventHeaders(w.Header(), t.event)
	_, _ = w.Write(t.event.Payload) // what is not delivered ends in the function's timeout
}

func setEventHeaders(h http.Header, e Event) {
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(e.Payload)))
	h.Set(headerRequestID, e.ID)
	h.Set(headerDeadline, strconv.FormatInt(e.Deadline.UnixMilli(), 10))
	h.Set(headerARN, e.ARN)
	for name, value := range map[string]string{
		headerTrace: e.TraceID, headerClientContext: string(e.ClientContext),
		headerIdentity: string(e.Identity), headerTenant: e.TenantID,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
}

func (s *Session) serveResponse(w http.ResponseWriter, r *http.Request, id string) {
	streaming, ok := responseMode(r.Header)
	if !ok {
		writeError(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "the response mode is streaming or absent")
		return
	}
	t, err := s.current(w, id)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	fault := receiveResponse(t, r, streaming)
	http1.Lend(w, s.lend)
	s.complete(t, fault, answered)
	if fault != nil && fault.Type == TypeResponseTooLarge {
		writeTooLarge(w)
		return
	}
	writeAccepted(w)
}

func responseMode(h http.Header) (streaming, ok bool) {
	switch strings.ToLower(h.Get(headerMode)) {
	case "":
		return false, true
	case "streaming":
		return true, true
	}
	return false, false
}

// receiveResponse passes a response on and returns the function's error: one that the
// trailers report, or what went wrong on the way.
func receiveResponse(t *turn, r *http.Request, streaming bool) *lambda.FunctionError {
	refused := t.head(lambda.Head{ContentType: r.Header.Get("Content-Type"), Streaming: streaming})
	var broken error
	if refused == nil {
		refused, broken = t.stream(r.Body, r.ContentLength)
	} else {
		_, broken = io.Copy(io.Discard, r.Body)
	}
	if fault := faultOf(refused, broken); fault != nil {
		return fault
	}
	return trailerFault(r.Trailer)
}

// trailerFault reads an error that happened in the middle of a streamed answer.
func trailerFault(trailer http.Header) *lambda.FunctionError {
	kind := trailer.Get(headerErrorType)
	if kind == "" {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(trailer.Get(headerErrorBody))
	if err != nil {
		body = nil
	}
	return reported(kind, body)
}

func (s *Session) serveError(w http.ResponseWriter, r *http.Request, id string) {
	t, err := s.current(w, id)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	fault := receiveError(r)
	s.complete(t, fault, answered)
	answerError(w, fault)
}

func (s *Session) serveInitError(w http.ResponseWriter, r *http.Request, _ string) {
	if err := s.mayFailInit(); err != nil {
		writeRefusal(w, err)
		return
	}
	fault := receiveError(r)
	if err := s.failInit(fault); err != nil {
		writeRefusal(w, err)
		return
	}
	answerError(w, fault)
}

// receiveError reads the error that a runtime posts.
func receiveError(r *http.Request) *lambda.FunctionError {
	body, whole, err := readError(r.Body, -1)
	switch {
	case err != nil:
		return faultOf(nil, err)
	case !whole:
		return tooLarge()
	default:
		return reported(r.Header.Get(headerErrorType), body)
	}
}

func answerError(w http.ResponseWriter, fault *lambda.FunctionError) {
	if fault.Type == TypeResponseTooLarge {
		writeTooLarge(w)
		return
	}
	writeAccepted(w)
}

func writeAccepted(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func writeTooLarge(w http.ResponseWriter) {
	writeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
		"Exceeded maximum allowed payload size ("+strconv.Itoa(lambda.MaxResponse)+" bytes).")
}

// writeRefusal answers a request that the state does not allow.
func writeRefusal(w http.ResponseWriter, err error) {
	var transition *transitionError
	switch {
	case errors.Is(err, errRequestID):
		writeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	case errors.As(err, &transition):
		writeError(w, http.StatusForbidden, "InvalidStateTransition", transition.Error())
	default: // the session is closed, or the runtime left
		writeError(w, http.StatusForbidden, "InvalidStateTransition", (&transitionError{closed, idle}).Error())
	}
}

func writeError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]string{"errorMessage": message, "errorType": kind})
}

func writeJSON(w http.ResponseWriter, status int, fields map[string]string) {
	body, err := json.Marshal(fields)
	if err != nil { // strings always marshal
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a runtime that left needs no answer
}
