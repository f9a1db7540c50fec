package main

import "unsafe"

const waiterMachine uint16 = 62 // EM_X86_64

// waiterBounds are the addresses of the code of waiter in this program.
func waiterBounds() (start, end uintptr)

// waiterCode is the machine code of the program that waits.
func waiterCode() []byte {
	start, end := waiterBounds()
	if end <= start || end-start > maxWaiterCode { // the linker has put something between
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(nil, start)), int(end-start))
}
