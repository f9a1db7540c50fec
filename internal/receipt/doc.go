// Package receipt says where the time of one invocation went, how it got its
// instance and why it was not warm, and what it used.
//
// It measures nothing by itself and stores nothing: the hops of the line fill a
// Receipt in, fronts show it.
package receipt
