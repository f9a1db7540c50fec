package lambda

// AccountRule is what an account may.
type AccountRule struct {
	Isolation   Isolation
	Concurrency int   // invocations at once in each region
	CodeStorage int64 // bytes of the packages of all versions and layers, in all regions
}
