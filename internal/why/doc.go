// Package why says in sentences where the time of an invocation went, from its receipt
// alone: every claim follows from figures that are on it.
//
// It is a table of causes. It measures and ranks no invocations (package slowest does),
// and it rather says too little than too much: what the host does not measure is said to
// be unknown.
package why
