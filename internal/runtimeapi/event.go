package runtimeapi

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"strconv"
)

// gathered is up to how many bytes of a frame are copied, to be written by one short call.
const gathered = 32 << 10

// writeEvent writes the Invoke frame of an event. It returns the bytes that were written, also
// with an error.
func (l *link) writeEvent(e *Event, slot uint16) (int64, error) {
	frame := appendInvoke(l.out[:0], e, slot)
	l.out = frame
	if len(frame)+len(e.Payload) > gathered {
		l.out = nil
		parts := net.Buffers{frame, e.Payload}
		return parts.WriteTo(l.conn.Conn) // by one call, without a copy
	}
	l.out = append(frame, e.Payload...)
	n, err := l.conn.Write(l.out)
	return int64(n), err
}

// appendInvoke appends the Invoke frame of an event without the payload.
func appendInvoke(b []byte, e *Event, slot uint16) []byte {
	b = append(b, frameInvoke, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[2:], slot)
	b = appendMeta(b, e)
	meta := len(b) - headerSize - 4
	binary.BigEndian.PutUint32(b[4:], uint32(4+meta+len(e.Payload)))
	binary.BigEndian.PutUint32(b[headerSize:], uint32(meta))
	return b
}

// appendMeta appends the JSON that goes before the event, with its timeout if it has one, else
// with its deadline: see the package comment.
func appendMeta(b []byte, e *Event) []byte {
	b = appendString(append(b, `{"id":`...), e.ID)
	if e.Timeout != 0 {
		b = strconv.AppendInt(append(b, `,"timeoutMs":`...), e.Timeout.Milliseconds(), 10)
	} else {
		b = strconv.AppendInt(append(b, `,"deadlineMs":`...), e.Deadline.UnixMilli(), 10)
	}
	b = appendString(append(b, `,"arn":`...), e.ARN)
	if e.TraceID != "" {
		b = appendString(append(b, `,"traceId":`...), e.TraceID)
	}
	if len(e.ClientContext) > 0 {
		b = append(append(b, `,"clientContext":`...), raw(e.ClientContext)...)
	}
	if len(e.Identity) > 0 {
		b = append(append(b, `,"identity":`...), raw(e.Identity)...)
	}
	if e.TenantID != "" {
		b = appendString(append(b, `,"tenantId":`...), e.TenantID)
	}
	return append(b, '}')
}

// appendString appends a JSON string. Ids, ARNs and traces need no escapes.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // strings always marshal
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// raw keeps meta valid whatever a caller sent: what is no JSON becomes a string.
func raw(value []byte) []byte {
	if json.Valid(value) {
		return value
	}
	quoted, _ := json.Marshal(string(value)) // as above
	return quoted
}
