package test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBillOfALongLog pipes a log through `lambent tax --from -` and reads the peak of the process's
// memory, which is the same for a log many times as long, plain and gzip. SOAK_LOG is its length in
// MiB, 60 without it.
func TestBillOfALongLog(t *testing.T) {
	mb := 60
	if long := os.Getenv("SOAK_LOG"); long != "" {
		n, err := strconv.Atoi(long)
		if err != nil {
			t.Fatal(err)
		}
		mb = n
	}
	some := reports(20_000)
	short := billed(t, some, 12<<20, false)
	for form, gz := range map[string]bool{"plain": false, "gzip": true} {
		t.Run(form, func(t *testing.T) {
			if long := billed(t, some, mb<<20, gz); long > short+allowed {
				t.Errorf("%d KiB for %d MiB of log, and %d KiB for 12", long, mb, short)
			}
		})
	}
}

// allowed is by how many KiB peaks may differ: Go's heap may be twice what is used of it.
const allowed = 48 << 10

// reports are lines of a month, out of order.
func reports(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := range n {
		at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(random.Int64N(int64(30 * 24 * time.Hour))))
		took := 1 + 100*random.Float64()
		fmt.Fprintf(&b, "%s REPORT RequestId: 5b2c9f1e-8f0b-4a53-9d0f-%012d\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: 512 MB\tMax Memory Used: 100 MB\t\n",
			at.Format("2006-01-02T15:04:05.000Z"), i, took, int(took)+1)
	}
	return b.Bytes()
}

// billed pipes lines, again and again for so many bytes, into the command and returns the peak of its
// resident memory in KiB. Every line must be on the bill.
func billed(t *testing.T, lines []byte, size int, gz bool) (peak int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "lambent"), "tax", "--from", "-", "--output", "json")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, watched := context.WithCancelCause(t.Context())
	peaks := make(chan int, 1)
	go func() { peaks <- watchPeak(ended, cmd.Process.Pid) }()
	copies := size / len(lines)
	began := time.Now()
	err = errors.Join(feed(in, lines, copies, gz), cmd.Wait())
	took := time.Since(began)
	watched(nil)
	if err != nil {
		t.Fatalf("%v: %s", err, failed.String())
	}
	var s struct {
		Total struct{ Invocations int }
		Here  struct{ Requests int }
	}
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if want := copies * bytes.Count(lines, []byte("\n")); s.Total.Invocations != want || s.Here.Requests != want {
		t.Errorf("%d invocations and %d arrivals, want %d", s.Total.Invocations, s.Here.Requests, want)
	}
	peak = <-peaks
	t.Logf("gzip %v: %d MiB of log in %.1f s, %d MiB of memory at most", gz, size>>20, took.Seconds(), peak>>10)
	return peak
}

// feed closes the pipe after the last line.
func feed(to io.WriteCloser, lines []byte, copies int, gz bool) (err error) {
	defer func() { err = errors.Join(err, to.Close()) }()
	if gz { // members one after the other are one stream (RFC 1952)
		if lines, err = packed(lines); err != nil {
			return err
		}
	}
	for range copies {
		if _, err := to.Write(lines); err != nil {
			return err
		}
	}
	return nil
}

func packed(lines []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(lines)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// watchPeak is the peak of a process's resident memory, as it is told last before ctx ends or the
// process does (proc(5), VmHWM, in KiB).
func watchPeak(ctx context.Context, pid int) (peak int) {
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return peak
		case <-tick.C:
		}
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // none when it has ended
		if _, rest, found := strings.Cut(string(text), "VmHWM:"); found {
			_, _ = fmt.Sscan(rest, &peak)
		}
	}
}
