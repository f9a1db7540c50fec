#include "textflag.h"

// func getpid32() int32
//
// Calls getpid by the way of 32-bit programs, where its number is 20.
TEXT ·getpid32(SB), NOSPLIT, $0-4
	MOVL $20, AX
	INT  $0x80
	MOVL AX, ret+0(FP)
	RET
