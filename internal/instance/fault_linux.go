package instance

import "syscall"

// badInterpreter is what execve(2) answers where a program's ELF interpreter is broken.
func badInterpreter() []syscall.Errno { return []syscall.Errno{syscall.ELIBBAD} }
