package bill

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/lanrat/extsort"
)

// An arrival is when a request came and for how long it kept an instance.
type arrival struct {
	function uint32
	at       int64 // µs since 1970
	busy     int64 // µs
}

// sorter sorts arrivals by function and time, on disk where they are many.
type sorter struct {
	in     chan arrival
	out    <-chan arrival
	failed <-chan error
	sort   func()
}

// chunk is how many arrivals are sorted in memory: 6 MiB a chunk, of which few live at once. Each
// chunk costs 64 KiB when all are merged.
const chunk = 1 << 18

func newSorter(ctx context.Context, dir string) *sorter {
	in := make(chan arrival, 1024)
	config := extsort.DefaultConfig()
	config.ChunkSize, config.TempFilesDir = chunk, dir
	s, out, failed := extsort.Generic(in, decodeArrival, encodeArrival, compareArrivals, config)
	return &sorter{in: in, out: out, failed: failed, sort: func() { s.Sort(ctx) }}
}

// walk calls f with all arrivals in their order, after the last was put in.
func (s *sorter) walk(f func(arrival)) error {
	for a := range s.out {
		f(a)
	}
	return <-s.failed
}

func compareArrivals(a, b arrival) int {
	return cmp.Or(cmp.Compare(a.function, b.function), cmp.Compare(a.at, b.at), cmp.Compare(a.busy, b.busy))
}

const arrivalSize = 20

func encodeArrival(a arrival) ([]byte, error) {
	b := make([]byte, 0, arrivalSize)
	b = binary.LittleEndian.AppendUint32(b, a.function)
	b = binary.LittleEndian.AppendUint64(b, uint64(a.at))
	return binary.LittleEndian.AppendUint64(b, uint64(a.busy)), nil
}

func decodeArrival(b []byte) (arrival, error) {
	if len(b) != arrivalSize {
		return arrival{}, errors.New("a sorted arrival of the wrong size")
	}
	return arrival{binary.LittleEndian.Uint32(b), int64(binary.LittleEndian.Uint64(b[4:])), int64(binary.LittleEndian.Uint64(b[12:]))}, nil
}

func arrivalOf(function uint32, v *Invocation) arrival {
	return arrival{function, v.arrived().UnixMicro(), v.Duration.Microseconds()}
}

func micros(d time.Duration) int64 { return d.Microseconds() }
