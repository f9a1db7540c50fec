package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/logs"
)

var checkout = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "checkout"}

const stream = "2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef"

// clock is a clock that tests set.
type clock struct{ ns atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.ns.Store(at.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func open(t *testing.T, dir string, options logs.Options) *logs.Store {
	t.Helper()
	s, err := logs.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func write(t *testing.T, s *logs.Store, id lambda.FunctionID, text string) {
	t.Helper()
	w := s.Writer(id, stream)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s *logs.Store, id lambda.FunctionID, q logs.Query) ([]logs.Record, logs.Position) {
	t.Helper()
	records, next, err := s.Read(t.Context(), id, q)
	if err != nil {
		t.Fatal(err)
	}
	return records, next
}

// lines reads a whole log, page by page.
func lines(t *testing.T, s *logs.Store, id lambda.FunctionID) (all []string) {
	t.Helper()
	var q logs.Query
	for {
		records, next := read(t, s, id, q)
		if len(records) == 0 {
			return all
		}
		for _, r := range records {
			all = append(all, string(r.Line))
		}
		q.After = next
	}
}

func wantLines(t *testing.T, s *logs.Store, id lambda.FunctionID, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(t, s, id)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestRecordsAreKept(t *testing.T) {
	dir, at := t.TempDir(), newClock(time.Date(2026, 11, 22, 1, 2, 3, 456789012, time.UTC))
	s := open(t, dir, logs.Options{Clock: at.now})
	write(t, s, checkout, "START\nhalf")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, next := read(t, open(t, dir, logs.Options{}), checkout, logs.Query{})
	want := []logs.Record{
		{Time: at.now(), Kind: logs.Line, Stream: stream, Line: []byte("START")},
		{Time: at.now(), Kind: logs.Line, Stream: stream, Line: []byte("half"), Next: next},
	}
	want[0].Next = got[0].Next
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestHostileBytes(t *testing.T) {
	hostile := []string{"\x00\x00", "\x1b[2J\x1b]0;title\a", "\xff\xfe\xc0\x80", "\r", "", "lambent\x01", "\u2028", strings.Repeat("\x00", 70_000)}
	s := open(t, t.TempDir(), logs.Options{})
	write(t, s, checkout, strings.Join(hostile, "\n")+"\n")
	wantLines(t, s, checkout, hostile...)
}

func TestHostileNames(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "logs"), logs.Options{})
	names := []string{"..", ".", "", "a/b", "a", "a%2Fb", "A", "\x00", strings.Repeat("x", 300), strings.Repeat("x", 301), "../../../escaped", "%"}
	for _, name := range names {
		write(t, s, lambda.FunctionID{Account: "..", Region: "", Name: name}, name+"\n")
	}
	for _, name := range names {
		wantLines(t, s, lambda.FunctionID{Account: "..", Region: "", Name: name}, name)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("entries beside the logs: %v, %v", entries, err)
	}
}

func TestLongLines(t *testing.T) {
	for name, n := range map[string]int{"at the limit": logs.MaxLine, "above": logs.MaxLine + 1, "three": 2*logs.MaxLine + 1} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), logs.Options{})
			long := strings.Repeat("x", n)
			write(t, s, checkout, long+"\nnext\n")
			got := lines(t, s, checkout)
			if want := (n + logs.MaxLine - 1) / logs.MaxLine; len(got) != want+1 || got[want] != "next" {
				t.Fatalf("%d records, want %d and the next line", len(got), want)
			}
			for _, line := range got {
				if len(line) > logs.MaxLine {
					t.Errorf("a record of %d bytes", len(line))
				}
			}
			if strings.Join(got, "") != long+"next" {
				t.Error("bytes are missing")
			}
		})
	}
}

// However the bytes come, the lines are the same.
func TestChunksDoNotMatter(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		id := lambda.FunctionID{Name: fmt.Sprint(n)}
		chunks := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab\n")), 0, 8, -1), 0, 8).Draw(t, "chunks")
		w := s.Writer(id, stream)
		for _, chunk := range chunks {
			if n, err := io.WriteString(w, chunk); n != len(chunk) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.Join(chunks, ""), "\n")
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		records, _, err := s.Read(context.Background(), id, logs.Query{})
		if err != nil || len(records) != len(want) {
			t.Fatalf("%d records, %v, want %q", len(records), err, want)
		}
		for i, r := range records {
			if string(r.Line) != want[i] {
				t.Errorf("record %d = %q, want %q", i, r.Line, want[i])
			}
		}
	})
}

func TestPartialLineWaits(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	w := s.Writer(checkout, stream)
	fmt.Fprint(w, "par")
	wantLines(t, s, checkout)
	fmt.Fprint(w, "tial\n")
	wantLines(t, s, checkout, "partial")
	fmt.Fprint(w, "last")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, s, checkout, "partial", "last")
	if _, err := fmt.Fprintln(w, "late"); !errors.Is(err, logs.ErrClosed) {
		t.Errorf("err = %v, want ErrClosed", err)
	}
}

// Every record's own Next continues right after it, across segments.
func TestPositions(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{SegmentBytes: 300})
	const count = 20
	for i := range count {
		write(t, s, checkout, fmt.Sprintln(i))
	}
	var q logs.Query
	for i := range count {
		q.Limit = 1
		one, next := read(t, s, checkout, q)
		if len(one) != 1 || string(one[0].Line) != fmt.Sprint(i) || one[0].Next != next {
			t.Fatalf("record %d: %+v, next %v", i, one, next)
		}
		parsed, err := logs.ParsePosition(next.String())
		if err != nil || parsed != next {
			t.Fatalf("position %v became %v, %v", next, parsed, err)
		}
		q.After = parsed
	}
	if more, next := read(t, s, checkout, q); len(more) != 0 || next != q.After {
		t.Errorf("after the last: %v, next %v, want %v", more, next, q.After)
	}
}

func TestTimes(t *testing.T) {
	at := newClock(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	s := open(t, t.TempDir(), logs.Options{Clock: at.now})
	began := at.now()
	for i := range 10 {
		write(t, s, checkout, fmt.Sprintln(i))
		at.advance(time.Second)
	}
	got, _ := read(t, s, checkout, logs.Query{From: began.Add(3 * time.Second), To: began.Add(5 * time.Second)})
	if len(got) != 2 || string(got[0].Line) != "3" || string(got[1].Line) != "4" {
		t.Errorf("records = %+v, want those of seconds 3 and 4", got)
	}
}

func TestHostilePositions(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	write(t, s, checkout, "a line\nanother\n")
	records, next := read(t, s, checkout, logs.Query{})
	for _, p := range []logs.Position{
		{Segment: next.Segment, Offset: 1},
		{Segment: next.Segment, Offset: records[0].Next.Offset - 3},
		{Segment: next.Segment, Offset: 1 << 60},
		{Segment: next.Segment, Offset: -1},
		{Segment: 1 << 63},
	} {
		if got, _ := read(t, s, checkout, logs.Query{After: p}); len(got) > 2 {
			t.Errorf("after %v: %d records", p, len(got))
		}
	}
}

func TestManyWriters(t *testing.T) {
	const writers, each = 16, 200
	dir := t.TempDir()
	s := open(t, dir, logs.Options{SegmentBytes: 64 << 10})
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			w := s.Writer(checkout, fmt.Sprint(n))
			defer w.Close()
			for i := range each {
				fmt.Fprintln(w, i)
			}
		})
	}
	all.Wait()
	got, _ := read(t, s, checkout, logs.Query{})
	next := map[string]int{}
	for _, r := range got {
		if string(r.Line) != fmt.Sprint(next[r.Stream]) {
			t.Fatalf("stream %s: line %q, want %d", r.Stream, r.Line, next[r.Stream])
		}
		next[r.Stream]++
	}
	if len(got) != writers*each || s.Stats().Lines != writers*each {
		t.Errorf("%d records, stats %+v, want %d", len(got), s.Stats(), writers*each)
	}
}

func TestRateLimit(t *testing.T) {
	at := newClock(time.Now())
	s := open(t, t.TempDir(), logs.Options{RateBytes: 100, Burst: 200, Clock: at.now})
	line := strings.Repeat("x", 49) + "\n" // 50 bytes
	other := checkout
	other.Name = "quiet"
	write(t, s, checkout, strings.Repeat(line, 10)) // 4 pass
	write(t, s, other, "not held back\n")
	if n := countLines(t, s); n != 4 {
		t.Errorf("%d lines at once, want 4", n)
	}
	at.advance(time.Second)
	write(t, s, checkout, strings.Repeat(line, 10)) // 2 pass
	if n := countLines(t, s); n != 6 {
		t.Errorf("%d lines after a second, want 6", n)
	}
	wantDropped(t, s, "exceeds the rate", 14, 14*49)
	wantLines(t, s, other, "not held back")
}

func countLines(t *testing.T, s *logs.Store) (n int) {
	t.Helper()
	records, _ := read(t, s, checkout, logs.Query{})
	for _, r := range records {
		if r.Kind == logs.Line {
			n++
		}
	}
	return n
}

// wantDropped adds up the records that say what is missing.
func wantDropped(t *testing.T, s *logs.Store, why string, wantLines, wantBytes int) {
	t.Helper()
	records, _ := read(t, s, checkout, logs.Query{})
	gotLines, gotBytes := 0, 0
	for _, r := range records {
		if r.Kind != logs.Dropped {
			continue
		}
		if !bytes.Contains(r.Line, []byte(why)) {
			t.Errorf("record %s, want the reason %q", r.Line, why)
		}
		gotLines += number(t, r.Line, "droppedRecords")
		gotBytes += number(t, r.Line, "droppedBytes")
	}
	if gotLines != wantLines || gotBytes != wantBytes {
		t.Errorf("%d lines and %d bytes are said to be dropped, want %d and %d", gotLines, gotBytes, wantLines, wantBytes)
	}
	if got := s.Stats().DroppedLines; got != int64(wantLines) {
		t.Errorf("stats say %d, want %d", got, wantLines)
	}
}

func number(t *testing.T, doc []byte, field string) (n int) {
	t.Helper()
	_, rest, ok := strings.Cut(string(doc), `"`+field+`":`)
	if _, err := fmt.Sscanf(rest, "%d", &n); !ok || err != nil {
		t.Fatalf("no %s in %s", field, doc)
	}
	return n
}

// One Write is queued at once: what exceeds the queue is dropped, however fast the disk.
func TestQueueIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{QueueBytes: 10_000})
	line := strings.Repeat("x", 99) + "\n"
	write(t, s, checkout, strings.Repeat(line, 1000))
	kept := countLines(t, s)
	if kept < 50 || kept > 100 {
		t.Errorf("%d lines kept of a queue of 10,000 bytes", kept)
	}
	wantDropped(t, s, "queue of logs is full", 1000-kept, (1000-kept)*99)
	goesOn := strings.Repeat("y", 9000) // has room only in an empty queue
	write(t, s, checkout, goesOn+"\n")
	if all := lines(t, s, checkout); all[len(all)-1] != goesOn {
		t.Errorf("last line = %q", all[len(all)-1])
	}
}

func TestRetentionBySize(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, logs.Options{SegmentBytes: 1000, MaxBytes: 5000})
	for i := range 200 {
		write(t, s, checkout, fmt.Sprintf("%0100d\n", i))
	}
	all := lines(t, s, checkout)
	first, last := 0, 0
	fmt.Sscan(strings.TrimLeft(all[0], "0"), &first)
	fmt.Sscan(strings.TrimLeft(all[len(all)-1], "0"), &last)
	if last != 199 || first == 0 || len(all) != last-first+1 {
		t.Errorf("%d lines, from %d to %d, want the newest without a gap", len(all), first, last)
	}
	if size := sizeOf(t, dir); size > 6000 {
		t.Errorf("%d bytes on disk, want about 5000", size)
	}
}

func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	for _, name := range segmentFiles(t, dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

func segmentFiles(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*", "*", "*", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRetentionByAge(t *testing.T) {
	dir, at := t.TempDir(), newClock(time.Now())
	s := open(t, dir, logs.Options{SegmentBytes: 500, MaxAge: time.Hour, Clock: at.now})
	other := checkout
	other.Name = "silent"
	write(t, s, other, "old, and in the segment that is open\n")
	for range 10 {
		write(t, s, checkout, strings.Repeat("x", 200)+"\n")
	}
	if err := s.Retain(t.Context()); err != nil || len(segmentFiles(t, dir)) < 5 {
		t.Fatalf("%d segments, %v: too early", len(segmentFiles(t, dir)), err)
	}
	at.advance(2 * time.Hour)
	if err := s.Retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := segmentFiles(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	write(t, s, other, "new\n")
	wantLines(t, s, other, "new")
}

func TestRemove(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, logs.Options{})
	w := s.Writer(checkout, stream)
	defer w.Close()
	fmt.Fprintln(w, "before")
	_, after := read(t, s, checkout, logs.Query{})
	if err := errors.Join(s.Remove(t.Context(), checkout), s.Remove(t.Context(), checkout)); err != nil {
		t.Fatal(err)
	}
	wantLines(t, s, checkout)
	if left := segmentFiles(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	fmt.Fprintln(w, "after")
	wantLines(t, s, checkout, "after")
	if records, _ := read(t, s, checkout, logs.Query{After: after}); len(records) != 1 {
		t.Errorf("a position from before the removal finds %d records, want 1", len(records))
	}
}

func TestFollow(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{SegmentBytes: 300})
	write(t, s, checkout, "0\n")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	const count = 50
	go func() {
		for i := 1; i < count; i++ {
			write(t, s, checkout, fmt.Sprintln(i))
			if i%10 == 0 {
				time.Sleep(2 * coalesce)
			}
		}
	}()
	seen := 0
	for r, err := range s.Follow(ctx, checkout, logs.Query{}) {
		if err != nil {
			if !errors.Is(err, enough) {
				t.Errorf("err = %v, want the cause", err)
			}
			break
		}
		if string(r.Line) != fmt.Sprint(seen) {
			t.Fatalf("record %d = %q", seen, r.Line)
		}
		if seen++; seen == count {
			cancel(enough)
		}
	}
	if seen != count {
		t.Errorf("%d records, want %d", seen, count)
	}
}

const coalesce = 10 * time.Millisecond

func TestFollowEndsWithTheStore(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	closed := make(chan error, 1)
	go func() { time.Sleep(coalesce); closed <- s.Close() }()
	for _, err := range s.Follow(t.Context(), checkout, logs.Query{}) {
		if !errors.Is(err, logs.ErrClosed) {
			t.Errorf("err = %v, want ErrClosed", err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	w := s.Writer(checkout, stream)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	_, writeErr := fmt.Fprintln(w, "late")
	_, _, readErr := s.Read(t.Context(), checkout, logs.Query{})
	for call, err := range map[string]error{"Write": writeErr, "Read": readErr, "Sync": s.Sync(t.Context()), "Remove": s.Remove(t.Context(), checkout)} {
		if !errors.Is(err, logs.ErrClosed) {
			t.Errorf("%s: err = %v, want ErrClosed", call, err)
		}
	}
}

// An upgrade overlaps: two processes write the same function's log, to segments of their
// own, and both are read.
func TestTwoStoresOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	first, second := open(t, dir, logs.Options{}), open(t, dir, logs.Options{})
	write(t, first, checkout, "1\n")
	wantLines(t, first, checkout, "1")
	write(t, second, checkout, "2\n")
	wantLines(t, second, checkout, "1", "2")
	if n := len(segmentFiles(t, dir)); n != 2 {
		t.Errorf("%d segments, want 2", n)
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("lambent-test", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=128k"); err != nil {
		t.Skipf("this host lets the test mount no small disk (root is needed): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	var reported atomic.Int64
	s := open(t, dir, logs.Options{Report: func(error) { reported.Add(1) }})
	write(t, s, checkout, "before\n")
	wantLines(t, s, checkout, "before")
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full: the test shows nothing")
	}
	// Some of the lines would fit: they are lost with the others, or they would be there
	// and count as dropped.
	if err := os.Truncate(filler, 64<<10); err != nil {
		t.Fatal(err)
	}
	const lost = 1000
	write(t, s, checkout, strings.Repeat(strings.Repeat("x", 99)+"\n", lost))
	if err := s.Sync(t.Context()); !errors.Is(err, unix.ENOSPC) || reported.Load() == 0 {
		t.Errorf("err = %v and %d reports, want ENOSPC and one", err, reported.Load())
	}
	if err := errors.Join(os.Remove(filler), s.Sync(t.Context())); err != nil {
		t.Errorf("the second Sync: %v", err)
	}
	write(t, s, checkout, "after\n")
	all := lines(t, s, checkout)
	if len(all) != 3 || all[0] != "before" || all[1] != "after" || number(t, []byte(all[2]), "droppedRecords") != lost {
		t.Errorf("%d lines = %.300q, want before, after and that %d were dropped", len(all), all, lost)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	s, err := logs.Open(b.TempDir(), logs.Options{QueueBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	w := s.Writer(checkout, stream)
	defer w.Close()
	line := []byte(strings.Repeat("x", 120) + "\n")
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
	}
}
