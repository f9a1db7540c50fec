package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// MaxLine is the most bytes of one record's line, without its newline: CloudWatch's size
// of an event. A longer line becomes several records.
const MaxLine = 256 << 10

// maxStream is the most bytes of a stream's name, as in CloudWatch; more are cut off.
const maxStream = 512

// Kind is what a record is.
type Kind uint8

// The kinds. Their numbers are on disk.
const (
	Line    Kind = 1 // what a function wrote
	Dropped Kind = 2 // platform.logsDropped: JSON that says how many lines are missing here
)

// Record is one line of a function's log.
type Record struct {
	Time   time.Time // when the line was complete
	Kind   Kind
	Stream string // "2026/11/22/[$LATEST]…"; "" for Dropped
	Line   []byte // without the newline
	// Next is the position after the record: Query.After continues from it.
	Next Position
}

// Position is a place between two records of one function's log. The zero Position is
// before the oldest. Positions stay valid when old segments are dropped.
type Position struct {
	Segment uint64
	Offset  int64 // bytes
}

// String returns what ParsePosition reads.
func (p Position) String() string { return fmt.Sprintf("%d-%d", p.Segment, p.Offset) }

// ParsePosition reads a position; "" is the zero one.
func ParsePosition(text string) (Position, error) {
	var p Position
	if text == "" {
		return p, nil
	}
	if n, err := fmt.Sscanf(text, "%d-%d", &p.Segment, &p.Offset); n != 2 || err != nil || p.Offset < 0 || p.String() != text {
		return Position{}, fmt.Errorf("%.60q is not a position in a log", text)
	}
	return p, nil
}

// A frame is: length of the body (4 bytes), CRC-32C of the body (4), body. A body is:
// kind (1), Unix time in ns (8), length of the stream's name (2), name, line. Numbers are
// little-endian.
const (
	frameHead = 8
	bodyHead  = 11
	maxBody   = bodyHead + maxStream + MaxLine
)

// Errors of reading frames.
var (
	errTorn    = errors.New("the last record is cut")
	errDamaged = errors.New("a record is damaged")
)

func checksum(body []byte) uint32 { return crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) }

// appendFrame appends a framed record to buf. Stream and line are within their limits.
func appendFrame(buf []byte, r Record) []byte {
	start := len(buf)
	buf = append(buf, make([]byte, frameHead)...)
	buf = append(buf, byte(r.Kind))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(r.Time.UnixNano()))
	buf = binary.LittleEndian.AppendUint16(buf, uint16(len(r.Stream)))
	buf = append(buf, r.Stream...)
	buf = append(buf, r.Line...)
	body := buf[start+frameHead:]
	binary.LittleEndian.PutUint32(buf[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(buf[start+4:], checksum(body))
	return buf
}

// bodyLength reads the head of a frame and refuses lengths that no record has: a tail of
// zeros, which a power cut can leave, among them.
func bodyLength(head []byte) (int, error) {
	n := binary.LittleEndian.Uint32(head)
	if n < bodyHead || n > maxBody {
		return 0, errDamaged
	}
	return int(n), nil
}

// decodeBody reads a body. The record's line is a part of body.
func decodeBody(head, body []byte) (Record, error) {
	if binary.LittleEndian.Uint32(head[4:]) != checksum(body) {
		return Record{}, errDamaged
	}
	stream := int(binary.LittleEndian.Uint16(body[9:]))
	if stream > len(body)-bodyHead {
		return Record{}, errDamaged
	}
	return Record{
		Kind:   Kind(body[0]),
		Time:   time.Unix(0, int64(binary.LittleEndian.Uint64(body[1:]))).UTC(),
		Stream: string(body[bodyHead : bodyHead+stream]),
		Line:   body[bodyHead+stream:],
	}, nil
}

// wholeFrames returns how many bytes of frames, which are well formed, fit into room,
// and how many records those are.
func wholeFrames(frames []byte, room int64) (size, records int) {
	for size < len(frames) {
		next := size + firstFrame(frames[size:])
		if int64(next) > room {
			break
		}
		size, records = next, records+1
	}
	return size, records
}

// firstFrame returns the bytes of the first of well-formed frames.
func firstFrame(frames []byte) int {
	return frameHead + int(binary.LittleEndian.Uint32(frames))
}
