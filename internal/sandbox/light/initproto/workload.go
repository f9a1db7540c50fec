package initproto

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// Workload is what a waiting command is told, as text of fields that each end with a zero
// byte. An interpreter needs Dir and Env only and gets those; what waits to execute a
// program gets Dir, Path, the number of Args, Args and Env.
type Workload struct {
	Dir  string
	Path string
	Args []string // with the program's name
	Env  []string
}

// Text is what an interpreter reads.
func (w Workload) Text() []byte { return fields(append([]string{w.Dir}, w.Env...)) }

// Execution is what a command without a Path reads.
func (w Workload) Execution() []byte {
	all := append([]string{w.Dir, w.Path, strconv.Itoa(len(w.Args))}, w.Args...)
	return fields(append(all, w.Env...))
}

func fields(all []string) []byte {
	var text bytes.Buffer
	for _, field := range all {
		text.WriteString(field)
		text.WriteByte(0)
	}
	return text.Bytes()
}

var errWorkload = errors.New("this is not a workload")

// ParseExecution reads what Execution wrote.
func ParseExecution(text []byte) (w Workload, err error) {
	whole, ended := strings.CutSuffix(string(text), "\x00")
	all := strings.Split(whole, "\x00")
	if !ended || len(all) < 3 {
		return w, errWorkload
	}
	count, err := strconv.Atoi(all[2])
	if err != nil || count < 0 || count > len(all)-3 {
		return w, errWorkload
	}
	return Workload{Dir: all[0], Path: all[1], Args: all[3 : 3+count], Env: all[3+count:]}, nil
}
