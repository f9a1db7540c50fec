// Package nowait reads and writes descriptors that do not block, without a word to Go's
// scheduler.
//
// An ordinary system call says that it may last: the scheduler may give the processor to
// others meanwhile, and wakes its watchman, a thread, to see to that where all was idle
// before. Of a request that is read, handed over and answered in some hundred microseconds
// that is one more thread that runs, beside every system call's own part. A call that never
// waits needs none of it; what has to wait for a socket does so in Go's poller, as ever.
//
// It is for short pieces of sockets and pipes, and for kernel files that answer at once. Under the
// race detector, which takes order from system calls, and elsewhere than on Linux they are
// ordinary ones.
package nowait
