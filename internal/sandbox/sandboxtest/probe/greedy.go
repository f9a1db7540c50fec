package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

func greedyAttacks() map[string]attack {
	return map[string]attack{
		"fork-bomb":       func(args []string) (string, error) { return crowd(number(args, 0), "sleep-quietly") },
		"memory-bomb":     memoryBomb,
		"memory-crowd":    func(args []string) (string, error) { return crowd(number(args, 0), "hold", args[1]) },
		"fill":            fillUp,
		"thread-bomb":     threadBomb,
		"zombie-bomb":     zombieBomb,
		"memfd":           memfd,
		"inode-bomb":      inodeBomb,
		"descriptor-bomb": descriptorBomb,
	}
}

// crowd starts children that live at once and returns how many do in the end.
func crowd(count int, args ...string) (string, error) {
	var alive []*exec.Cmd
	defer func() {
		for _, c := range alive {
			_ = c.Process.Kill() // it may have ended
			_ = c.Wait()         // killed
		}
	}()
	for range count {
		c := exec.Command("/proc/self/exe", args...)
		said, err := c.StdoutPipe()
		if err != nil {
			return fmt.Sprint(len(alive)), err
		}
		if err := c.Start(); err != nil {
			return fmt.Sprint(len(alive)), err
		}
		alive = append(alive, c)
		if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "\"here\"\n" {
			return fmt.Sprint(len(alive) - 1), errors.New("a child was ended")
		}
	}
	for i, c := range alive {
		if pid, _ := unix.Wait4(c.Process.Pid, nil, unix.WNOHANG, nil); pid != 0 {
			return fmt.Sprint(count - 1), fmt.Errorf("child %d was ended later", i)
		}
	}
	return fmt.Sprint(len(alive)), nil
}

func memoryBomb(args []string) (string, error) {
	return fmt.Sprint(len(touch(number(args, 0))) >> 20), nil
}

// hold touches MiB of memory, says so and keeps it.
func hold(args []string) error {
	block := touch(number(args, 0))
	if err := print("here"); err != nil {
		return err
	}
	defer runtime.KeepAlive(block)
	forever()
	return nil
}

// fillUp writes MiB into a file and removes it again.
func fillUp(args []string) (string, error) {
	defer os.Remove(args[0])
	return args[1], fill(args[0], number(args, 1))
}

// threadBomb has threads that live at once: each goroutine holds its own.
func threadBomb(args []string) (string, error) {
	debug.SetMaxThreads(100_000)
	there := make(chan struct{})
	for range number(args, 0) {
		go func() {
			runtime.LockOSThread()
			there <- struct{}{}
			forever()
		}()
	}
	for range number(args, 0) {
		<-there
	}
	return args[0], nil // Go ends a process that gets no thread
}

// zombieBomb starts children that end, and asks after none.
func zombieBomb(args []string) (string, error) {
	for i := range number(args, 0) {
		if err := exec.Command("/proc/self/exe", "exit", "0").Start(); err != nil {
			return fmt.Sprint(i), err
		}
	}
	return args[0], nil
}

// memfd keeps MiB in a file that has no name.
func memfd(args []string) (string, error) {
	fd, err := unix.MemfdCreate("bomb", unix.MFD_CLOEXEC)
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), "bomb")
	defer f.Close()
	chunk := make([]byte, 1<<20)
	for range number(args, 0) {
		if _, err := f.Write(chunk); err != nil {
			return "", err
		}
	}
	return args[0], nil
}

// inodeBomb makes files without content. It removes none: the box is at its end.
func inodeBomb(args []string) (string, error) {
	dir, err := os.MkdirTemp("", "inodes")
	if err != nil {
		return "", err
	}
	for i := range number(args, 0) {
		fd, err := unix.Open(filepath.Join(dir, strconv.Itoa(i)), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return fmt.Sprint(i), err
		}
		if err := unix.Close(fd); err != nil {
			return fmt.Sprint(i), err
		}
	}
	return args[0], nil
}

func descriptorBomb(args []string) (string, error) {
	for i := range number(args, 0) {
		if _, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return fmt.Sprint(i), err
		}
	}
	return args[0], nil
}
