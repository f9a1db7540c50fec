package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

func greedyAttacks() map[string]attack {
	return map[string]attack{
		"fork-bomb":    func(args []string) (string, error) { return crowd(number(args, 0), "sleep-quietly") },
		"memory-bomb":  memoryBomb,
		"memory-crowd": func(args []string) (string, error) { return crowd(number(args, 0), "hold", args[1]) },
		"fill-tmp":     fillTmp,
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

// fillTmp writes MiB into the folder for temporary files and removes them again.
func fillTmp(args []string) (string, error) {
	name := filepath.Join(os.TempDir(), "fill")
	defer os.Remove(name)
	return args[0], fill(name, number(args, 0))
}
