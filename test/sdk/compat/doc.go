// Package compat compares Lambent with AWS Lambda, answer by answer.
//
// testdata/recordings holds what the real service answered in scenarios that the
// LocalStack project recorded (see testdata/ATTRIBUTION.md). The tests perform the same
// scenarios on a running Lambent with the AWS SDK for Go v2 and compare every field,
// status, error name and error text; a field too many is a difference, too.
//
// The code here is the comparison: what a recording is, what its placeholders stand for,
// and how an answer is brought into its form. The scenarios are in the tests, by subject;
// the list that says which recordings are in scope, and why others are not, is in
// scope_test.go and outside_test.go. A test fails when a recording is in neither.
//
// It is no client library, and it does not judge what no recording shows.
package compat
