package logs_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"lambent.dev/lambent/internal/logs"
)

// childDir makes the test binary a process that logs until it is killed.
const childDir = "LAMBENT_TEST_LOG_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, logForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// What a process had synced before kill -9 is there after it, without a gap, and the log
// goes on.
func TestKilledWriterLosesNothing(t *testing.T) {
	for round := range 3 {
		dir := t.TempDir()
		acknowledged := killAfter(t, dir, 10*(round+1))
		s := open(t, dir, logs.Options{SegmentBytes: 4000})
		write(t, s, checkout, "goes on\n")
		all := lines(t, s, checkout)
		if len(all) <= acknowledged || all[len(all)-1] != "goes on" {
			t.Fatalf("%d lines, the last %q, want more than %d", len(all), all[len(all)-1], acknowledged)
		}
		for i, line := range all[:len(all)-1] {
			if line != fmt.Sprint(i) {
				t.Fatalf("line %d is %q", i, line)
			}
		}
	}
}

// killAfter kills a logging child after n acknowledgements and returns how many lines it
// has acknowledged.
func killAfter(t *testing.T, dir string, n int) (acknowledged int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for replies := bufio.NewScanner(out); replies.Scan(); {
		if _, err := fmt.Sscan(replies.Text(), &acknowledged); err != nil {
			t.Fatal(err)
		}
		if seen++; seen == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || seen < n {
		t.Fatalf("the child ended by itself after %d: %v", seen, err)
	}
	return acknowledged
}

func logForEver(dir string) error {
	s, err := logs.Open(dir, logs.Options{SegmentBytes: 4000})
	if err != nil {
		return err
	}
	w := s.Writer(checkout, stream)
	for i := 0; ; i++ {
		fmt.Fprintln(w, i)
		if i%7 != 6 {
			continue
		}
		if err := s.Sync(context.Background()); err != nil {
			return err
		}
		fmt.Println(i + 1) // one unbuffered write: the acknowledgement
	}
}

// A segment is cut at every byte, as a crash may do: what is whole is kept, the rest
// goes, and the next line follows.
func TestCutAnywhere(t *testing.T) {
	whole, ends := threeRecords(t)
	for size := range len(whole) + 1 {
		dir, name := t.TempDir(), ""
		first := open(t, dir, logs.Options{})
		write(t, first, checkout, "x\n")
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		name = segmentFiles(t, dir)[0]
		if err := os.WriteFile(name, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		want := wholeLines(ends, size)
		s := open(t, dir, logs.Options{})
		wantLines(t, s, checkout, want...)
		write(t, s, checkout, "new\n")
		wantLines(t, s, checkout, append(slices.Clone(want), "new")...)
		if n := len(segmentFiles(t, dir)); n != 1 {
			t.Errorf("cut at %d: %d segments, want the cut one to go on", size, n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One byte after the other is wrong, as on a bad disk: what stands before it is kept, no
// call fails, and the log goes on in a new segment.
func TestDamageAnywhere(t *testing.T) {
	whole, ends := threeRecords(t)
	for at := 0; at < len(whole); at += 3 {
		dir := t.TempDir()
		first := open(t, dir, logs.Options{})
		write(t, first, checkout, "x\n")
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		damaged := slices.Clone(whole)
		damaged[at] ^= 0x55
		if err := os.WriteFile(segmentFiles(t, dir)[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, logs.Options{})
		write(t, s, checkout, "new\n")
		want := append(wholeLines(ends, at), "new")
		wantLines(t, s, checkout, want...)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

var three = []string{"one", "", "three\x00"}

// threeRecords returns a segment and where its records end.
func threeRecords(t *testing.T) (segment []byte, ends []int64) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, logs.Options{})
	for _, line := range three {
		write(t, s, checkout, line+"\n")
	}
	records, _ := read(t, s, checkout, logs.Query{})
	for _, r := range records {
		ends = append(ends, r.Next.Offset)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	segment, err := os.ReadFile(segmentFiles(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	return segment, ends
}

func wholeLines(ends []int64, size int) (want []string) {
	for i, end := range ends {
		if end <= int64(size) {
			want = append(want, three[i])
		}
	}
	return want
}
