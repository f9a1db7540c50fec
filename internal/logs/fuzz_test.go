package logs

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

// Any bytes end in one of three ways, and what was read writes back to the same bytes.
func FuzzSegment(f *testing.F) {
	whole := appendFrame([]byte(magic), Record{Time: time.Unix(1, 2), Kind: Line, Stream: "s", Line: []byte("line")})
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 0, 0, 0, 0, 0, 0, 0, 0))
	f.Add(append([]byte(magic), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, segment []byte) {
		again, err := rewrite(segment)
		if !errors.Is(err, io.EOF) && !errors.Is(err, errTorn) && !errors.Is(err, errDamaged) {
			t.Fatalf("err = %v", err)
		}
		if !bytes.HasPrefix(segment, again) || errors.Is(err, io.EOF) && len(again) != len(segment) {
			t.Fatalf("rewritten as %d bytes, %v:\n%q\n%q", len(again), err, segment, again)
		}
	})
}

// rewrite reads a segment through and writes what it read.
func rewrite(segment []byte) (again []byte, err error) {
	s, err := newScanner(bytes.NewReader(segment))
	if err != nil {
		return nil, err
	}
	again = []byte(magic)
	for {
		r, err := s.next()
		if err != nil {
			return again, err
		}
		again = appendFrame(again, r)
	}
}

// Garbage after whole records does not cost them.
func FuzzGarbageAfterRecords(f *testing.F) {
	f.Add([]byte("line"), []byte("garbage"))
	f.Add([]byte{}, []byte{0})
	f.Add([]byte("\x00\xff"), bytes.Repeat([]byte{0}, 100))
	f.Fuzz(func(t *testing.T, line, garbage []byte) {
		line = line[:min(len(line), MaxLine)]
		want := Record{Time: time.Unix(0, 5).UTC(), Kind: Line, Stream: "stream", Line: line}
		s, err := newScanner(bytes.NewReader(append(appendFrame([]byte(magic), want), garbage...)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.next()
		if err != nil || string(got.Line) != string(line) || got.Stream != want.Stream || !got.Time.Equal(want.Time) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, text := range []string{"", "0-0", "18446744073709551615-9223372036854775807", "1--1", "1-2x", " 1-2", "+1-2", "01-2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePosition(text)
		if err == nil && text != "" && p.String() != text || p.Offset < 0 {
			t.Errorf("%q became %v", text, p)
		}
	})
}

// Different functions never share a folder, and no folder is above the store's.
func FuzzFolderOf(f *testing.F) {
	f.Add("a", "..", "b", "a", "%2E%2E", "b")
	f.Add("", "", "", "%", "%", "%")
	f.Add("a/b", "c", "d", "a", "b/c", "d")
	f.Add("111111111111", "us-east-1", "same", "222222222222", "us-east-1", "same")
	f.Add("111111111111", "us-east-1", "same", "111111111111", "eu-west-1", "same")
	f.Fuzz(func(t *testing.T, a1, r1, n1, a2, r2, n2 string) {
		one, two := lambda.FunctionID{Account: a1, Region: r1, Name: n1}, lambda.FunctionID{Account: a2, Region: r2, Name: n2}
		first, second := folderOf(one), folderOf(two)
		if (first == second) != (one == two) {
			t.Errorf("%v and %v have the folders %q and %q", one, two, first, second)
		}
		parts := strings.Split(first, "/")
		for _, part := range parts {
			if part == "" || strings.HasPrefix(part, ".") || len(part) > 255 {
				t.Errorf("%v has the folder %q", one, first)
			}
		}
		if len(parts) != 3 {
			t.Errorf("%v has the folder %q", one, first)
		}
	})
}

func TestBucket(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newBucket(&Options{RateBytes: 10, Burst: 20})
	var got []bool
	for _, step := range []struct {
		after time.Duration
		bytes int64
	}{{0, 15}, {0, 15}, {0, 1}, {time.Second, 1}, {time.Second, 1}, {-time.Hour, 30}, {time.Second, 1}, {time.Hour, 20}, {0, 1}} {
		now = now.Add(step.after)
		got = append(got, b.take(step.bytes, now))
	}
	want := []bool{true, true, false, false, true, true, false, true, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}
