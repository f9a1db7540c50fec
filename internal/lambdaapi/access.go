package lambdaapi

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// checkAccess refuses what a web page in somebody's browser can send. A page that
// rebinds its own name to 127.0.0.1 sends that name as Host; one that just posts here
// sends its Origin, or at least Sec-Fetch-Site. No AWS client sends the latter two.
// Source: Fetch standard, "Origin header"; Fetch Metadata Request Headers.
func (s *Server) checkAccess(r *http.Request) error {
	if !s.knownHost(r.Host) {
		return lambda.NewError(lambda.ErrAccessDenied,
			"Lambent answers on this machine only, and the Host of this request is not a name of it. Use 127.0.0.1 or localhost.")
	}
	for _, origin := range r.Header.Values("Origin") {
		if origin != "http://"+r.Host && origin != "https://"+r.Host {
			return errForeignPage()
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return nil
	}
	return errForeignPage()
}

func errForeignPage() error {
	return lambda.NewError(lambda.ErrAccessDenied, "Lambent does not answer requests of web pages.")
}

// knownHost reports whether a Host header means this machine, whatever its port.
func (s *Server) knownHost(hostport string) bool {
	host := strings.ToLower(hostport)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback() || slices.Contains(s.Hosts, host)
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(s.Hosts, host)
}
