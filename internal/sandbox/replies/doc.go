// Package replies matches the replies of PID 1 of a box to the requests that they are for, for
// drivers that ask it many things at once over one connection.
//
// It sends and reads nothing: what a message is, and how it comes, is its user's.
package replies
