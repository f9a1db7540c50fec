// Package lambent starts a server of the program under test on a folder of its own, deploys
// functions to it with AWS's SDK, and invokes them from outside.
//
// It knows the server by its command line, its API and its processes only, as a user does.
package lambent
