//go:build race

package lambdaapi

// underRace is what the race detector adds to a count of allocations: sync.Pool drops some of
// what it is given (sync/pool.go).
const underRace = 5
