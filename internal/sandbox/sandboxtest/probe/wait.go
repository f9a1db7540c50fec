package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// waited says that this process waited for its workload.
var waited bool

// wait plays an interpreter that may wait for its workload, then runs the subcommand that
// the variable PROBE names. With "die" it ends instead of waiting.
func wait(args []string) error {
	if text, found := strings.CutPrefix(os.Getenv("LAMBENT_START"), "fd:"); found {
		if len(args) > 0 && args[0] == "die" {
			os.Exit(9)
		}
		if err := receiveWorkload(text); err != nil {
			return err
		}
	}
	return run(strings.Fields(os.Getenv("PROBE")))
}

// receiveWorkload reads a folder and variables, each ended by a zero byte.
func receiveWorkload(text string) error {
	fd, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	pipe := os.NewFile(uintptr(fd), "start")
	raw, err := io.ReadAll(pipe)
	if err != nil {
		return err
	}
	if err := pipe.Close(); err != nil {
		return err
	}
	if len(raw) == 0 {
		os.Exit(0) // nobody needs it
	}
	waited = true
	os.Clearenv()
	fields := bytes.Split(raw[:len(raw)-1], []byte{0})
	for _, pair := range fields[1:] {
		name, value, found := strings.Cut(string(pair), "=")
		if !found {
			return fmt.Errorf("variable %q", pair)
		}
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return os.Chdir(string(fields[0]))
}

// self prints what the process knows of itself.
func self([]string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	return print(map[string]any{"Waited": waited, "Env": os.Environ(), "Dir": dir, "FDs": descriptors()})
}
