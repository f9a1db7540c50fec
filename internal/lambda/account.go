package lambda

// AccountRule is what an account may.
type AccountRule struct {
	Isolation   Isolation
	Concurrency int // invocations at once in each region
}
