// Package lambda is the domain: functions and their versions, names and ARNs,
// limits, errors, invocations and the way an answer is taken.
//
// It imports the standard library only and knows nothing of HTTP, storage or
// sandboxes. Terms are AWS's where AWS has one.
package lambda
