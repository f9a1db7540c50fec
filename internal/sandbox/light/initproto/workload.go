package initproto

import "bytes"

// Workload is what a waiting command is told. An interpreter needs Dir and Env only and gets
// those as Text; what waits to execute a program gets all as an Execution.
type Workload struct {
	Dir  string
	Path string
	Args []string // with the program's name
	Env  []string
}

// Text is what an interpreter reads: fields that each end with a zero byte.
func (w Workload) Text() []byte { return fields(append([]string{w.Dir}, w.Env...)) }

func fields(all []string) []byte {
	var text bytes.Buffer
	for _, field := range all {
		text.WriteString(field)
		text.WriteByte(0)
	}
	return text.Bytes()
}
