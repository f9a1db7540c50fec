// Package lambent builds and runs the program under test: Lambent as an operator runs it,
// a process with a data folder and two addresses of loopback.
//
// It knows no operation of the API and imports nothing of Lambent's own code.
package lambent
