package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/queue"
	"lambent.dev/lambent/internal/queue/queuetest"
	"lambent.dev/lambent/internal/store"
)

// childDir makes the test binary a process that puts and takes items until it is killed.
const childDir = "LAMBENT_TEST_QUEUE_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, workForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func place(dir string) queuetest.Place {
	return func(ctx context.Context, epoch int64) (queue.Queue, error) {
		q, err := Open(ctx, dir, epoch)
		if err != nil {
			return nil, err // not a nil pointer in an interface
		}
		return q, nil
	}
}

func TestSuite(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Place { return place(t.TempDir()) })
}

func BenchmarkQueue(b *testing.B) {
	queuetest.Bench(b, func(b *testing.B) queuetest.Place { return place(b.TempDir()) })
}

func TestOnlyTheOwnerReads(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, 1)
	if err := q.Put(t.Context(), item("secret")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{FileName, FileName + "-wal"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v, want 600", name, info.Mode(), err)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(strings.Repeat("not a database, ", 512)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, 1); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("err = %v, want ErrDamaged", err)
	}
}

// A body that waits is not written again with every lease: 1 MiB taken and returned 30
// times leaves less than that in the write-ahead log.
func TestLeasesDoNotRewriteBodies(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, 1)
	it := item("large")
	it.Body = make([]byte, 1<<20)
	if err := q.Put(t.Context(), it); err != nil {
		t.Fatal(err)
	}
	before := walSize(t, dir)
	for range 30 {
		taken, err := q.Take(t.Context(), queue.Request{Group: "g", Now: time.Now(), Limit: 1})
		if err != nil || len(taken.Leases) != 1 {
			t.Fatalf("taken %d, %v", len(taken.Leases), err)
		}
		if err := q.Return(t.Context(), taken.Leases[0], time.UnixMicro(1)); err != nil {
			t.Fatal(err)
		}
	}
	if grown := walSize(t, dir) - before; grown > 1<<20 {
		t.Errorf("the log grew by %d bytes", grown)
	}
}

func walSize(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, FileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// What a process acknowledged before kill -9 is there after it, and what it had leased
// comes back: only what it said it had ended is gone.
func TestKilledProcessLosesNothing(t *testing.T) {
	for round := range 3 {
		dir := t.TempDir()
		accepted, ended := killAfter(t, dir, 150*(round+1))
		q := open(t, dir, 2)
		recovered, err := q.Recover(t.Context())
		if err != nil || recovered == 0 {
			t.Errorf("recovered %d leases, %v, want some", recovered, err)
		}
		there := takeBodies(t, q)
		for body := range accepted {
			if !there[body] && !ended[body] {
				t.Errorf("%s was accepted and is lost", body)
			}
		}
	}
}

func takeBodies(t *testing.T, q queue.Queue) map[string]bool {
	t.Helper()
	taken, err := q.Take(t.Context(), queue.Request{Group: "g", Now: time.Now().Add(time.Hour), Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, l := range taken.Leases {
		all[string(l.Body)] = true
	}
	return all
}

// killAfter kills a working child once it has said n things, and returns what it accepted
// and what it was about to end.
func killAfter(t *testing.T, dir string, n int) (accepted, ended map[string]bool) {
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
	said := map[string]map[string]bool{"put": {}, "end": {}}
	lines := bufio.NewScanner(out)
	for i := 1; lines.Scan(); i++ {
		verb, body, _ := strings.Cut(lines.Text(), " ")
		said[verb][body] = true
		if i == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(said["put"]) == 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return said["put"], said["end"]
}

// workForEver puts items from several goroutines, and takes some, of which it ends half.
// It says "put" after it put, and "end" before it ends.
func workForEver(dir string) error {
	ctx := context.Background()
	q, err := Open(ctx, dir, 1)
	if err != nil {
		return err
	}
	var all errgroup.Group
	for worker := range 8 {
		all.Go(func() error {
			for i := 0; ; i++ {
				body := fmt.Sprintf("%d-%d", worker, i)
				if err := q.Put(ctx, item(body)); err != nil {
					return err
				}
				fmt.Println("put", body) // one unbuffered write
			}
		})
	}
	all.Go(func() error { return takeForEver(ctx, q) })
	return all.Wait()
}

func takeForEver(ctx context.Context, q queue.Queue) error {
	for {
		taken, err := q.Take(ctx, queue.Request{Group: "g", Now: time.Now(), Limit: 2})
		if err != nil {
			return err
		}
		if len(taken.Leases) == 2 {
			fmt.Println("end", string(taken.Leases[0].Body))
			if err := q.Done(ctx, taken.Leases[0]); err != nil {
				return err
			}
		}
	}
}

func item(body string) queue.Item {
	return queue.Item{Group: "g", Function: "f", Due: time.Now(), Body: []byte(body)}
}

func open(t *testing.T, dir string, epoch int64) queue.Queue {
	t.Helper()
	q, err := Open(t.Context(), dir, epoch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}
