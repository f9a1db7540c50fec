// Package http1 answers plain HTTP/1.1 requests on the goroutine that reads them, and leaves
// everything else to net/http.
//
// net/http reads on while a handler runs, to notice a client that leaves: a goroutine beside
// each request, and two wake-ups of a thread. That is more than the rest of a warm
// invocation. Here nobody reads on unless the handler asks its context for an end.
//
// Plain is what nothing can be made of in two ways: see plain. A connection on which anything
// else comes goes to net/http, together with what was read of it, and stays there: TLS,
// HTTP/2, upgrades, expectations, heads that arrive in pieces or are malformed. So net/http
// answers what is refused. Heads, and bodies in chunks, are parsed by net/http in any case.
//
// Handlers see what net/http shows them, with these differences: an answer's header is
// written with its first bytes, so that it must not be changed after WriteHeader; trailers and
// informational answers are not sent; nobody can hijack the connection.
//
// A connection can be lent between two requests to a goroutine that waits for what the next one
// brings, so that it reads that itself: see Lend.
//
// It is not a router and knows nothing of Lambda.
package http1
