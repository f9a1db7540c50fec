// Package handover is what a server and the one that takes its place say to each other, over
// a connection of a Unix socket: what each step is, and how descriptors travel with it.
//
//	successor                                  predecessor
//	Request: the terms it would serve on ───▶  refuses, or
//	                                      ◀─── Grant, with lock and listeners; notes from now
//	warms up: opens all, starts nothing        on what changes
//	ready ─────────────────────────────────▶   accepts nothing more; new requests wait
//	                                      ◀─── what has changed
//	reads that again
//	done ──────────────────────────────────▶
//	                                      ◀─── yours: the one step that cannot be taken back
//	accepts                                    passes new requests on, finishes those it has
//	                                      ◀─── what a request under way has changed, and so on
//	done ──────────────────────────────────▶
//
// Until yours each side may end, be killed or lose its patience: the connection breaks, and
// the predecessor goes on as if nothing had been.
//
// A message is a line of JSON. It says nothing of how a server serves or what it keeps: that
// is package daemon's.
package handover
