package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits.
const (
	MaxPacket = 128 << 10 // bytes of one packet
	MaxData   = 32 << 10  // bytes of data in one frame
	Window    = 256 << 10 // bytes of a stream that may be under way

	// maxStreams bounds what a guest may open at once.
	maxStreams = 4096
)

const headSize = 9

type kind byte

const (
	packetKind kind = iota + 1
	openKind
	dataKind
	creditKind
	endKind
	goneKind
)

// sizes are the most and the least that follow each kind, in bytes.
var sizes = map[kind]struct{ least, most uint32 }{
	packetKind: {1, MaxPacket}, openKind: {8, 8}, dataKind: {1, MaxData}, creditKind: {4, 4}, endKind: {0, 0}, goneKind: {0, 0},
}

var errProtocol = errors.New("the other end of the wire broke the rules")

// frame is one message. The body is valid until the next is read.
type frame struct {
	kind   kind
	stream uint32
	body   []byte
}

// append adds the frame to b.
func (f frame) append(b []byte) []byte {
	b = append(b, byte(f.kind))
	b = binary.BigEndian.AppendUint32(b, f.stream)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.body)))
	return append(b, f.body...)
}

// readFrame reads the next frame into buf, which has MaxPacket bytes.
func readFrame(r io.Reader, buf []byte) (frame, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: kind(head[0]), stream: binary.BigEndian.Uint32(head[1:5])}
	length := binary.BigEndian.Uint32(head[5:])
	size, known := sizes[f.kind]
	if !known || length < size.least || length > size.most || (f.kind == packetKind) != (f.stream == 0) {
		return frame{}, fmt.Errorf("%w: kind %d, stream %d, %d bytes", errProtocol, f.kind, f.stream, length)
	}
	f.body = buf[:length]
	_, err := io.ReadFull(r, f.body)
	return f, err
}
