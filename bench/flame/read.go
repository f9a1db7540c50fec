package main

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// kind says whose code a frame is.
type kind int

const (
	user kind = iota
	kernel
)

// call is one frame of a stack.
type call struct {
	name string
	kind kind
}

// stack is one sample: the process's name, then who called whom.
type stack []call

// String joins the names.
func (s stack) String() string {
	names := make([]string, len(s))
	for i, c := range s {
		names[i] = c.name
	}
	return strings.Join(names, ";")
}

// longestLine bounds a line of perf's: names of Go's generic functions are long.
const longestLine = 1 << 20

// read tells of each sample. perf prints the process's name, then a line for each frame from
// the innermost out, then an empty line.
func read(r io.Reader, each func(stack)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	var process string
	var frames []call
	flush := func() {
		if process != "" {
			each(outermostFirst(process, frames))
		}
		process, frames = "", nil
	}
	for lines.Scan() {
		line := lines.Text()
		switch text := strings.TrimSpace(line); {
		case text == "":
			flush()
		case line[0] != ' ' && line[0] != '\t':
			flush()
			process = text
		default:
			frames = append(frames, frameOf(text))
		}
	}
	flush()
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading what perf printed: %w", err)
	}
	return nil
}

// frameOf reads "address symbol (file)". What has no symbol is its file.
func frameOf(text string) call {
	address, rest, _ := strings.Cut(text, " ")
	name, file := rest, ""
	if at := strings.LastIndex(rest, " ("); at >= 0 {
		name, file = rest[:at], strings.TrimSuffix(rest[at+2:], ")")
	}
	c := call{name: name}
	if strings.HasPrefix(address, "ffff") || strings.HasPrefix(file, "[kernel") {
		c.kind = kernel
	}
	if name == "" || name == "[unknown]" {
		c.name = "[" + filepath.Base(strings.Trim(file, "[]")) + "]"
	}
	return c
}

// outermostFirst makes a stack. Neighbours of one file without symbols are one frame.
func outermostFirst(process string, frames []call) stack {
	s := stack{{name: processName(process)}}
	for i := len(frames) - 1; i >= 0; i-- {
		if frames[i] != s[len(s)-1] || !strings.HasPrefix(frames[i].name, "[") {
			s = append(s, frames[i])
		}
	}
	return s
}

// processName puts workers of one kind together, and says who the init is: the kernel knows
// a program by its file's name.
func processName(name string) string {
	for _, worker := range []string{"kworker", "ksoftirqd"} {
		if strings.HasPrefix(name, worker+"/") {
			return worker
		}
	}
	if name == "init" {
		return "lambent-init, in a box"
	}
	return name
}
