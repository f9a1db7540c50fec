package lambda

import "time"

// What stands here is attached to a function and not part of any version.

// Alias is a name for one version, or for two with a weight.
type Alias struct {
	Name        string
	Version     string // "$LATEST" or a number
	Description string
	// Weights are the shares of additional versions, each from 0 to 1; Version gets the rest.
	Weights    map[string]float64
	RevisionID string
}

// Policy is the resource policy of a function, a version or an alias. It has no revision
// of its own: its changes are revisions of what it is attached to.
type Policy struct {
	Statements []Statement // in the order in which they were added
}

// Statement is one permission of a policy.
type Statement struct {
	ID   string // Sid
	JSON string // the whole statement, as AWS shows it
}

// EventInvokeConfig says how event invocations are retried and where their outcome goes.
type EventInvokeConfig struct {
	MaximumRetryAttempts *int   // nil = 2
	MaximumEventAge      *int   // seconds; nil = 21,600
	OnSuccess, OnFailure string // ARN of a destination; "" = none
	LastModified         time.Time
}
