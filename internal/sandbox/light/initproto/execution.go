package initproto

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// What a command that waits without a Path is told is an image for execve(2): whoever reads it to
// ExecutionBase has its folder, path, arguments and variables in the form in which the kernel takes
// them, and needs to do nothing but the call. It begins with the addresses of the folder, the path,
// the array of arguments and that of the variables; both end with a zero. Numbers are 64 bits, little-endian.
const (
	ExecutionBase = 0x10000000
	// MaxExecution is the longest image in bytes. execve takes 2 MiB of strings at most where the
	// stack may have 8 MiB.
	MaxExecution = 4 << 20

	addressSize   = 8
	executionHead = 4 * addressSize
)

// Execution is what a command without a Path reads. Fields must not hold a zero byte.
func (w Workload) Execution() []byte {
	e := execution{strings: executionHead + addressSize*(len(w.Args)+len(w.Env)+2)}
	dir, path := e.place(w.Dir), e.place(w.Path)
	args := ExecutionBase + executionHead
	head := []int{dir, path, args, args + addressSize*(len(w.Args)+1)}
	return e.bytes(head, e.list(w.Args), e.list(w.Env))
}

// execution lays strings out behind the numbers.
type execution struct {
	strings int // offset of the first
	text    bytes.Buffer
}

// place adds a string and returns its address.
func (e *execution) place(s string) int {
	at := ExecutionBase + e.strings + e.text.Len()
	e.text.WriteString(s)
	e.text.WriteByte(0)
	return at
}

// list adds strings and returns their addresses, and the zero after them.
func (e *execution) list(all []string) []int {
	list := make([]int, 0, len(all)+1)
	for _, s := range all {
		list = append(list, e.place(s))
	}
	return append(list, 0)
}

func (e *execution) bytes(numbers ...[]int) []byte {
	image := make([]byte, 0, e.strings+e.text.Len())
	for _, some := range numbers {
		for _, n := range some {
			image = binary.LittleEndian.AppendUint64(image, uint64(n))
		}
	}
	return append(image, e.text.Bytes()...)
}

var errWorkload = errors.New("this is not a workload")

// ParseExecution reads what Execution wrote.
func ParseExecution(image []byte) (w Workload, err error) {
	r := executionReader{image: image}
	w.Dir, w.Path = r.text(r.number(0)), r.text(r.number(addressSize))
	w.Args, w.Env = r.list(r.number(2*addressSize)), r.list(r.number(3*addressSize))
	if r.bad {
		return Workload{}, errWorkload
	}
	return w, nil
}

// executionReader reads an image as if it lay at ExecutionBase. What is outside makes it bad.
type executionReader struct {
	image []byte
	bad   bool
}

// number reads the number at an offset.
func (r *executionReader) number(offset uint64) uint64 {
	if size := uint64(len(r.image)); r.bad || offset > size || size-offset < addressSize {
		r.bad = true
		return 0
	}
	return binary.LittleEndian.Uint64(r.image[offset:])
}

// text reads the string at an address.
func (r *executionReader) text(address uint64) string {
	offset := address - ExecutionBase
	if r.bad || offset >= uint64(len(r.image)) {
		r.bad = true
		return ""
	}
	s, _, ended := bytes.Cut(r.image[offset:], []byte{0})
	r.bad = !ended
	return string(s)
}

// list reads the strings of an array. No image has more of them than bytes for their addresses.
func (r *executionReader) list(address uint64) []string {
	all := []string{}
	for offset := address - ExecutionBase; !r.bad && len(all) < len(r.image)/addressSize; offset += addressSize {
		at := r.number(offset)
		if at == 0 {
			return all
		}
		all = append(all, r.text(at))
	}
	r.bad = true
	return nil
}
