package lambdaapi

import (
	"net/http"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Server answers the API. Make one with New. It is safe for concurrent use.
type Server struct {
	Deps
	activations *activations
	snapshots   *activations  // functions with versions that SnapStart is to initialise
	uploads     chan struct{} // one token per request body of CreateFunction in memory
	bodyTimeout time.Duration // for a client to send a request's body

	// changes makes a function's row in the store and its place in the directory
	// change together: without it a delete could pass an activation between the two.
	changes locks

	// reserving is held while one function's reservation is weighed against all others'.
	// It is taken before a lock of changes.
	reserving sync.Mutex

	// adding is held while code is added to what its account has. It is taken before a lock of
	// changes.
	adding sync.Mutex

	// providers is held for reading while a function is placed under a capacity provider, and
	// for writing while one is changed with all that runs under it. It is taken before a
	// lock of changes.
	providers sync.RWMutex
}

// maxUploads bounds how many deployment packages are in memory at once: each takes
// its request's body (70 MB) and the decoded package (52 MB).
const maxUploads = 4

// New returns a server. Handler answers from now on; functions become active while
// Run runs.
func New(d Deps) *Server {
	return &Server{
		Deps:        d.withDefaults(),
		activations: newActivations(),
		snapshots:   newActivations(),
		uploads:     make(chan struct{}, maxUploads),
		bodyTimeout: bodyTimeout,
	}
}

// Handler returns the API for callers on this machine. Requests whose Host or Origin
// is foreign are refused, unless they have to be signed: a web page must not reach it.
func (s *Server) Handler() http.Handler {
	if s.Verifier != nil {
		return http.HandlerFunc(s.serveSigned)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, s.localCaller(r), s.checkAccess)
	})
}

// HandlerFor returns the API as one function sees it from inside its sandbox: what a
// function may call, as that function. Whoever can reach the handler is the function.
func (s *Server) HandlerFor(id lambda.FunctionID) http.Handler {
	who := caller{account: id.Account, region: id.Region, function: &id}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, who, nil)
	})
}

// serveSigned answers for nobody yet: authenticate finds out for whom. A page has no key, and
// what it has the browser send is signed by nobody.
func (s *Server) serveSigned(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, caller{}, nil)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, who caller, access func(*http.Request) error) {
	c := newCall(s, w, r, who)
	defer c.recovered()
	c.boundBody()
	if access != nil {
		if err := access(r); err != nil {
			c.fail(err)
			return
		}
	}
	if err := c.dispatch(); err != nil {
		c.fail(err)
	}
}
