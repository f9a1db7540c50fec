//go:build !amd64

package main

const waiterMachine uint16 = 0 // EM_NONE

// waiterCode is nil: the program that waits is written for amd64 only, elsewhere the init waits itself.
func waiterCode() []byte { return nil }
