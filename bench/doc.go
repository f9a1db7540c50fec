// Package bench measures Lambent beside its floors and competitors, in one run and by turns, so
// that noise hits all alike: what counts are ratios.
//
// A run is a list of groups (plan.go). A group starts what it needs, lets its contenders take
// turns, and makes rows of what it saw: exact percentiles over all samples, ratios to named
// floors, the targets that were set. Whatever could not be measured is a row that says why.
//
// It looks at Lambent from outside: a server in a process of its own, HTTP, /proc. It judges
// nothing by time: only a limit that was not held makes a run fail.
package bench
