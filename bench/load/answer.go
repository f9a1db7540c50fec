package load

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Answer is what came back.
type Answer struct {
	Sent   time.Time     // just before the first byte was written
	Took   time.Duration // until the last byte of the body was read
	Status int
	Header Header
	Body   []byte
}

// Header is the lines of an answer's head after the first, as they came. Nobody takes them apart
// before one is asked for: what a load generator does with an answer is not what it measures, and
// the answer with more fields would look slower by it.
type Header []byte

// Get returns the first value of a field, "" if there is none.
func (h Header) Get(name string) string {
	for line := range bytes.Lines(h) {
		field, value, found := bytes.Cut(line, []byte(":"))
		if found && len(field) == len(name) && bytes.EqualFold(field, []byte(name)) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// read reads one answer: one with a length in place, any other by net/http.
func read(in *bufio.Reader) (Answer, error) {
	head, err := peekHead(in)
	if err != nil {
		return Answer{}, err
	}
	a, length, plain := parseHead(head)
	if !plain {
		return readOther(in)
	}
	if _, err := in.Discard(len(head)); err != nil {
		return Answer{}, err
	}
	a.Body = make([]byte, length)
	_, err = io.ReadFull(in, a.Body)
	return a, err
}

// maxHead bounds an answer's head, in bytes.
const maxHead = 16 << 10

var (
	endOfHead = []byte("\r\n\r\n")
	errHead   = errors.New("the head of the answer is longer than 16 KiB")
)

// peekHead waits for a whole head and leaves it where it is.
func peekHead(in *bufio.Reader) ([]byte, error) {
	for wanted := 1; wanted <= maxHead; wanted = in.Buffered() + 1 {
		if _, err := in.Peek(wanted); err != nil {
			return nil, err
		}
		here, err := in.Peek(in.Buffered())
		if err != nil {
			return nil, err
		}
		if i := bytes.Index(here, endOfHead); i >= 0 {
			return here[:i+len(endOfHead)], nil
		}
	}
	return nil, errHead
}

// maxBody bounds a body whose length the head tells, in bytes: more than any answer has.
const maxBody = 64 << 20

// parseHead is for the usual head: HTTP/1.1, a status that a body follows, its length.
func parseHead(head []byte) (a Answer, length int, plain bool) {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	code, found := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !found || len(code) < 3 {
		return a, 0, false
	}
	status, err := strconv.Atoi(string(code[:3]))
	if err != nil || status < 200 || status == http.StatusNoContent || status == http.StatusNotModified {
		return a, 0, false
	}
	a.Status, a.Header = status, Header(bytes.Clone(rest))
	length, err = strconv.Atoi(a.Header.Get("Content-Length"))
	plain = err == nil && length >= 0 && length <= maxBody && a.Header.Get("Transfer-Encoding") == ""
	return a, length, plain
}

func readOther(in *bufio.Reader) (Answer, error) {
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	var fields bytes.Buffer
	if err := resp.Header.Write(&fields); err != nil {
		return Answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return Answer{Status: resp.StatusCode, Header: fields.Bytes(), Body: body}, err
}
