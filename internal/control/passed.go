package control

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
)

// passedPath is where a server that has handed over passes on what it is still asked:
// passedPath + FRONT + path, where FRONT says at which of its doors.
const passedPath = "/v1/passed/"

// PassOn returns a handler that passes requests on to the server that now serves a data
// folder, to the handler that its Deps.Passed has for front. The client is told to come
// with a new connection next time: that one reaches the other server itself. A front has
// letters, digits and ":_-" only.
func PassOn(data, front string) http.Handler {
	prefix := passedPath + front
	open := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, data) }
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "lambent", r.In.Host
			r.Out.URL.RawPath, r.Out.URL.Path = prefix+r.In.URL.EscapedPath(), prefix+r.In.URL.Path
		},
		Transport: &http.Transport{DialContext: open, DisableKeepAlives: true, DisableCompression: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "Lambent is being replaced by a server that does not answer. Try again.", http.StatusServiceUnavailable)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		proxy.ServeHTTP(w, r)
	})
}

// orPassed answers what another server passed on, and leaves the rest to others. No
// ServeMux comes between: it would clean paths that the API itself judges.
func (s *server) orPassed(others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, passed := strings.CutPrefix(r.URL.Path, passedPath)
		if !passed {
			others.ServeHTTP(w, r)
			return
		}
		front, _, _ := strings.Cut(rest, "/")
		if h := s.front(front); h != nil {
			http.StripPrefix(passedPath+front, h).ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})
}

func (s *server) front(name string) http.Handler {
	if s.Passed == nil {
		return nil
	}
	return s.Passed(name)
}
