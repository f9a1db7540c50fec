#include "textflag.h"

// The whole program of a command that waits for what it is to execute: see waiter.go. It stands
// here as code of the init, which copies it into a program of its own; it is never called. It
// uses no stack and nothing of Go. The addresses are initproto.ExecutionBase, which
// TestWaiterKnowsItsAddresses compares.

#define BASE 0x10000000
#define END 0x10400000 // BASE and initproto.MaxExecution
#define SOCKET 3

#define SYS_read 0
#define SYS_write 1
#define SYS_execve 59
#define SYS_fcntl 72
#define SYS_chdir 80
#define SYS_exit_group 231

#define F_SETFD 2
#define FD_CLOEXEC 1
#define EINTR 4

TEXT ·waiter(SB), NOSPLIT|NOFRAME, $0-0
	// The socket's end tells the driver that the program runs.
	MOVL $SOCKET, DI
	MOVL $F_SETFD, SI
	MOVL $FD_CLOEXEC, DX
	MOVL $SYS_fcntl, AX
	SYSCALL

	MOVL $BASE, BX

read:
	MOVL $SOCKET, DI
	MOVL BX, SI
	MOVL $END, DX
	SUBL BX, DX
	MOVL $SYS_read, AX
	SYSCALL
	CMPQ AX, $-EINTR
	JEQ  read
	TESTQ AX, AX
	JLT  leave
	JEQ  all
	ADDL AX, BX
	JMP  read

all:
	CMPL BX, $BASE // nothing came: nobody wants it any more
	JEQ  leave
	MOVL $BASE, BX

	MOVQ 0(BX), DI
	MOVL $SYS_chdir, AX
	SYSCALL
	TESTQ AX, AX
	JLT  failed

	MOVQ 8(BX), DI
	MOVQ 16(BX), SI
	MOVQ 24(BX), DX
	MOVL $SYS_execve, AX
	SYSCALL

failed:
	// The error's number is the answer.
	NEGL AX
	MOVL AX, 0(BX)
	MOVL $SOCKET, DI
	MOVL BX, SI
	MOVL $4, DX
	MOVL $SYS_write, AX
	SYSCALL

leave:
	MOVL $1, DI
	MOVL $SYS_exit_group, AX
	SYSCALL

TEXT ·waiterEnd(SB), NOSPLIT|NOFRAME, $0-0
	UNDEF

// func waiterBounds() (start, end uintptr)
TEXT ·waiterBounds(SB), NOSPLIT, $0-16
	MOVQ $·waiter(SB), AX
	MOVQ AX, start+0(FP)
	MOVQ $·waiterEnd(SB), AX
	MOVQ AX, end+8(FP)
	RET
