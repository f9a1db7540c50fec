package cgroup

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// What follows reads the texts of the kernel's files. It allocates nothing.

func takeMemory(text []byte, u *Usage) (err error) {
	u.Memory, err = number(text)
	u.MemoryPeak = max(u.MemoryPeak, u.Memory)
	return err
}

// takePeak comes after takeMemory, whose figure may have grown between two reads.
func takePeak(text []byte, u *Usage) error {
	peak, err := number(text)
	u.MemoryPeak = max(u.MemoryPeak, peak)
	return err
}

func takeOOMKills(text []byte, u *Usage) error {
	u.OOMKills, _ = field(text, "oom_kill")
	return nil
}

func takeCPU(text []byte, u *Usage) error {
	n, err := number(text)
	u.CPU = time.Duration(n)
	return err
}

// takeThrottledV1 reads v1's cpu.stat, which counts nanoseconds.
func takeThrottledV1(text []byte, u *Usage) error {
	if n, ok := field(text, "throttled_time"); ok {
		u.Throttled = known(time.Duration(n))
	}
	return nil
}

// takeCPUV2 reads v2's cpu.stat, which counts microseconds. It has throttled_usec where
// the cpu controller is on v2.
func takeCPUV2(text []byte, u *Usage) error {
	if n, ok := field(text, "usage_usec"); ok && u.CPU == 0 {
		u.CPU = micros(n)
	}
	if n, ok := field(text, "throttled_usec"); ok {
		u.Throttled = known(micros(n))
	}
	return nil
}

func takeFaults(text []byte, u *Usage) error {
	if n, ok := field(text, "pgfault"); ok {
		u.Faults = known(n)
	}
	if n, ok := field(text, "pgmajfault"); ok {
		u.MajorFaults = known(n)
	}
	return nil
}

func takeWaiting(text []byte, u *Usage) error     { return takeStall(text, &u.Waiting) }
func takeHostWaiting(text []byte, u *Usage) error { return takeStall(text, &u.HostWaiting) }
func takeMemoryStall(text []byte, u *Usage) error { return takeStall(text, &u.MemoryStall) }
func takeIOStall(text []byte, u *Usage) error     { return takeStall(text, &u.IOStall) }

// takeStall reads the total of the line "some avg10=0.00 avg60=0.00 avg300=0.00 total=0",
// in microseconds: the time in which at least one thread was stalled (accounting/psi.rst).
func takeStall(text []byte, c *Counter[time.Duration]) error {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	_, total, ok := bytes.Cut(line, []byte(" total="))
	if !ok || !bytes.HasPrefix(line, []byte("some ")) {
		return fmt.Errorf("%q is no pressure", line)
	}
	n, err := number(total)
	*c = known(micros(n))
	return err
}

// takeBytes sums io.stat, a line per device: "8:0 rbytes=4096 wbytes=0 rios=1 …". Loop
// devices are left out: what goes through them arrives at another device once more.
func takeBytes(text []byte, u *Usage) error {
	var read, written int64
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("7:")) { // Documentation/admin-guide/devices.txt
			read += pair(line, "rbytes=")
			written += pair(line, "wbytes=")
		}
	}
	u.ReadBytes, u.WrittenBytes = known(read), known(written)
	return nil
}

// pair is the number after a key in a line of pairs, 0 if it is not there.
func pair(line []byte, key string) int64 {
	for word := range bytes.FieldsSeq(line) {
		if value, ok := bytes.CutPrefix(word, []byte(key)); ok {
			n, _ := number(value)
			return n
		}
	}
	return 0
}

// field finds "name number" in the lines of a flat keyed file.
func field(text []byte, name string) (int64, bool) {
	for line := range bytes.Lines(text) {
		if len(line) <= len(name) || line[len(name)] != ' ' || string(line[:len(name)]) != name {
			continue
		}
		n, err := number(line[len(name)+1:])
		return n, err == nil
	}
	return 0, false
}

// number reads a decimal number that is not negative.
func number(text []byte) (int64, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return 0, fmt.Errorf("%q is no number", text)
	}
	var n int64
	for _, c := range text {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return 0, fmt.Errorf("%q is no number", text)
		}
		n = 10*n + int64(c-'0')
	}
	return n, nil
}

// micros is n microseconds; more than 292 years are those.
func micros(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Microsecond))) * time.Microsecond
}
