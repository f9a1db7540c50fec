package bill

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// longestLine is the longest that is read; CloudWatch takes events of at most 1 MiB, and
// JSON around one may double it. What is longer is passed over.
const longestLine = 4 << 20

// A Reader finds invocations in logs, of whatever form.
type Reader struct {
	Function string                 // of lines that name none
	Each     func(Invocation) error // gets what is found; its error ends the reading

	Found      int64
	Unreadable int64 // reports that could not be read
	FirstError error // of those
}

// Read reads one log to its end.
func (r *Reader) Read(log io.Reader) error {
	in := bufio.NewReaderSize(log, 64<<10)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		plain, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("unpacking: %w", err)
		}
		in = bufio.NewReaderSize(plain, 64<<10)
	}
	head, _ := in.Peek(4 << 10)
	switch {
	case isTable(head):
		return r.readTable(in)
	case isDocument(head):
		return r.readDocument(in)
	}
	return r.readLines(in)
}

// documentStart is how the answers of `aws logs filter-log-events`, get-log-events and
// get-query-results begin.
var documentStart = regexp.MustCompile(`^\s*(\[|\{\s*"(events|results|searchedLogStreams|queryLanguage|statistics|nextToken|nextForwardToken|nextBackwardToken)"\s*:)`)

func isDocument(head []byte) bool { return documentStart.Match(head) }

func (r *Reader) readLines(in *bufio.Reader) error {
	for {
		line, err := nextLine(in)
		if holdsReport(line) {
			v, bad := parseText(line)
			if err := r.take(v, bad); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
	}
}

// nextLine reads to the next newline. Of a line that is too long only the start is kept.
func nextLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	whole := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = in.ReadSlice('\n')
		if len(whole) < longestLine {
			whole = append(whole, line...)
		}
	}
	return whole, err
}

// take passes on what was read, or counts what could not be.
func (r *Reader) take(v Invocation, bad error) error {
	switch {
	case errors.Is(bad, errNoReport):
		return nil
	case bad != nil:
		if r.Unreadable++; r.FirstError == nil {
			r.FirstError = bad
		}
		return nil
	}
	r.Found++
	if v.Function == "" {
		v.Function = r.Function
	}
	return r.Each(v)
}
