// Package queuetest is the suite that every back end of package queue passes, and its
// benchmark.
package queuetest
