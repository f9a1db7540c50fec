package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
)

// Types and flags of frames, see package runtimeapi.
const (
	invoke   = 0x01
	ready    = 0x81
	initFail = 0x82
	response = 0x83
	failure  = 0x84
	begun    = 0x85

	more = 0x01
	last = 0x02
)

// stream is one that the host opened: descriptors of what comes and of what goes.
type stream struct{ events, answers int }

func serveFrames(channel, attack string) error {
	s, err := acceptStream(channel)
	if err != nil {
		return err
	}
	s.send(begun, 0, 0, nil)
	if s.attackInit(attack) {
		hang()
	}
	s.send(ready, 0, 0, nil)
	for {
		event, err := s.event()
		if err != nil {
			return err
		}
		if bytes.Contains(event, []byte("attack")) {
			s.attack(attack)
			continue
		}
		s.send(response, 0, 0, []byte(`"fine"`))
	}
}

func acceptStream(channel string) (s stream, err error) {
	fd, err := strconv.Atoi(channel)
	if err != nil {
		return s, err
	}
	data, space := make([]byte, 1), make([]byte, syscall.CmsgSpace(8))
	_, n, _, _, err := syscall.Recvmsg(fd, data, space, 0)
	if err != nil {
		return s, err
	}
	messages, err := syscall.ParseSocketControlMessage(space[:n])
	if err != nil || len(messages) == 0 {
		return s, fmt.Errorf("no stream came: %v", err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return s, err
	}
	return stream{events: fds[len(fds)-1], answers: fds[0]}, nil
}

func (s stream) Read(p []byte) (int, error) {
	n, err := syscall.Read(s.events, p)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// send writes a frame with the length that its payload has.
func (s stream) send(kind, flags byte, slot uint16, payload []byte) {
	s.raw(append(head(kind, flags, slot, uint32(len(payload))), payload...))
}

func head(kind, flags byte, slot uint16, length uint32) []byte {
	h := []byte{kind, flags}
	h = binary.BigEndian.AppendUint16(h, slot)
	return binary.BigEndian.AppendUint32(h, length)
}

// raw writes; the host may have closed the stream.
func (s stream) raw(b []byte) {
	for len(b) > 0 {
		n, err := syscall.Write(s.answers, b)
		if err != nil {
			return
		}
		b = b[n:]
	}
}

func (s stream) event() ([]byte, error) {
	var h [8]byte
	if _, err := io.ReadFull(s, h[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(h[4:]))
	_, err := io.ReadFull(s, body)
	return body, err
}

// attackInit does what comes before Ready, if the attack is of that kind.
func (s stream) attackInit(name string) bool {
	switch name {
	case "init-begun-for-ever":
		for range 1 << 20 {
			s.send(begun, 0, 0, nil)
		}
	case "init-answer":
		s.send(response, 0, 0, []byte(`"of nothing"`))
	case "init-large-error":
		s.raw(head(initFail, 0, 0, 1<<32-1))
		s.raw(bytes.Repeat([]byte("x"), 1<<20))
	case "init-noise":
		s.raw(bytes.Repeat([]byte{0xa5, 0x5a, 0xff}, 1<<16))
	default:
		return false
	}
	return true
}

func (s stream) attack(name string) {
	switch name {
	case "length-of-4GiB":
		s.raw(head(response, 0, 0, 1<<32-1))
		s.raw(bytes.Repeat([]byte("x"), 16<<20))
	case "error-of-4GiB":
		s.raw(head(failure, 0, 0, 1<<32-1))
		s.raw(bytes.Repeat([]byte("x"), 16<<20))
	case "deep-error":
		s.send(failure, 0, 0, []byte(strings.Repeat(`{"errorType":[`, 200_000)))
	case "slot-of-another":
		s.send(response, 0, 7, []byte(`"of another"`))
	case "unknown-type":
		s.send(0x7f, 0, 0, nil)
	case "invoke-the-host":
		s.send(invoke, 0, 0, []byte(`{}`))
	case "unknown-flag":
		s.send(response, 0x80, 0, []byte(`"x"`))
	case "two-answers":
		s.send(response, 0, 0, []byte(`"fine"`))
		s.send(response, 0, 0, []byte(`"of the next"`))
	case "ready-again":
		s.send(ready, 0, 0, nil)
	case "half-a-header":
		s.raw([]byte{response, 0, 0})
		hang()
	case "more-for-ever":
		for {
			s.send(response, more, 0, nil)
		}
	case "last-and-on":
		s.send(failure, last, 0, []byte(`{"errorType":"Gone"}`))
		s.send(ready, 0, 0, nil)
		hang()
	}
}
