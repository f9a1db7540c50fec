// Package load is the client side of a measurement: HTTP/1.1 over connections that stay
// open, one request at a time on each, paced by a closed or an open loop.
//
// A request is bytes made ready beforehand, sent with one write; the answer is read in the
// goroutine that sent it, by net/http's own parser. net/http's client hands every request
// over between three goroutines, which on a small machine costs as much as what is measured.
//
// It knows nothing of Lambent and computes no statistics.
package load
