package reaper

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// childInfo is the head of siginfo_t as waitid(2) fills it in, on 64-bit machines.
type childInfo struct {
	signo, errno, code, _ int32
	pid                   int32
}

func pidOf(info *unix.Siginfo) int { return int((*childInfo)(unsafe.Pointer(info)).pid) }
