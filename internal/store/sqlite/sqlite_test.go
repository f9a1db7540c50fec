package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/storetest"
)

// childDir makes the test binary a process that creates functions until it is killed.
const childDir = "LAMBENT_TEST_CREATE_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, createForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place {
		dir := t.TempDir()
		return func(ctx context.Context) (store.Store, error) { return Open(ctx, dir, storetest.Key(1)) }
	})
}

func TestOnlyTheOwnerReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with ? and # and %41")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := open1(t, dir)
	if err := s.CreateFunction(t.Context(), storetestFunction("secret")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{FileName, FileName + "-wal", FileName + "-shm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", name, mode)
		}
	}
}

func TestPragmas(t *testing.T) {
	s := openPools(t, filepath.Join(t.TempDir(), FileName))
	for _, name := range []string{"write", "read"} { // the writer makes the database one with a WAL
		pool := s[name]
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
			var got string
			if err := pool.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s = %q, %v, want %q", name, pragma, got, err, want)
			}
		}
	}
	if _, err := s["read"].ExecContext(t.Context(), "CREATE TABLE t (a)"); err == nil {
		t.Error("the reading pool writes")
	}
}

func openPools(t *testing.T, path string) map[string]*sql.DB {
	t.Helper()
	write, err := connect(path, BusyTimeout, "_txlock=immediate&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	if err := write.PingContext(t.Context()); err != nil { // makes the file, in WAL mode
		t.Fatal(err)
	}
	read, err := connect(path, BusyTimeout, "_pragma=query_only(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(read.Close(), write.Close()) })
	return map[string]*sql.DB{"write": write, "read": read}
}

// What a process acknowledged before kill -9 is there after it.
func TestKilledWriterLosesNothing(t *testing.T) {
	for round := range 3 {
		dir := t.TempDir()
		acknowledged := killAfter(t, dir, 20*(round+1))
		s := open1(t, dir)
		for _, name := range acknowledged {
			if _, err := s.Function(t.Context(), storetest.ID(name)); err != nil {
				t.Errorf("acknowledged and lost: %v", err)
			}
		}
	}
}

// killAfter kills a creating child once it has acknowledged n functions and returns
// all that it acknowledged.
func killAfter(t *testing.T, dir string, n int) (acknowledged []string) {
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
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if acknowledged = append(acknowledged, lines.Text()); len(acknowledged) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged) < n {
		t.Fatalf("the child ended by itself after %d: %v", len(acknowledged), err)
	}
	return acknowledged
}

func createForEver(dir string) error {
	ctx := context.Background()
	s, err := Open(ctx, dir, storetest.Key(1))
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("f%d", i)
		if err := s.CreateFunction(ctx, storetestFunction(name)); err != nil {
			return err
		}
		fmt.Println(name) // one unbuffered write: the acknowledgement
	}
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database, ", 512)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := open(t.Context(), path, BusyTimeout, storetest.Key(1))
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(fmt.Sprint(err), "restore "+path) {
		t.Errorf("err = %v, want ErrDamaged and what to do", err)
	}
}

func TestDamagedPage(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	for i := range 50 {
		if err := s.CreateFunction(t.Context(), storetestFunction(fmt.Sprintf("f%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	scribble(t, filepath.Join(dir, FileName))
	err := readAll(t.Context(), dir)
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("err = %v, want ErrDamaged", err)
	}
}

// scribble overwrites every page but the first, which holds the schema.
func scribble(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, writeErr := f.WriteAt([]byte(strings.Repeat("\xff", int(info.Size())-4096)), 4096)
	if err := errors.Join(writeErr, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func readAll(ctx context.Context, dir string) error {
	s, err := Open(ctx, dir, storetest.Key(1))
	if err != nil {
		return err
	}
	return errors.Join(s.All(ctx, func(lambda.Function) error { return nil }), s.Close())
}

func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s, err := open(t.Context(), path, 50*time.Millisecond, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	unlock := lockFile(t, path)
	err = s.CreateFunction(t.Context(), storetestFunction("waits"))
	if !errors.Is(err, store.ErrBusy) || !strings.Contains(fmt.Sprint(err), "stop the other program") {
		t.Errorf("err = %v, want ErrBusy and what to do", err)
	}
	unlock()
	if err := s.CreateFunction(t.Context(), storetestFunction("waits")); err != nil {
		t.Errorf("after the lock was gone: %v", err)
	}
}

func TestLockedAtOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	defer lockFile(t, path)()
	if s, err := open(t.Context(), path, 50*time.Millisecond, storetest.Key(1)); !errors.Is(err, store.ErrBusy) {
		t.Errorf("opened %v, err = %v, want ErrBusy", s, err)
	}
}

// lockFile holds the write lock as another process would.
func lockFile(t *testing.T, path string) (unlock func()) {
	t.Helper()
	other, err := sql.Open("sqlite", path+"?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(), other.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pools := openPools(t, filepath.Join(dir, FileName))
	if _, err := pools["write"].ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir, storetest.Key(1))
	if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(fmt.Sprint(err), "run the newer version") {
		t.Errorf("err = %v, want ErrNewerSchema and what to do", err)
	}
}

func TestMissingFolder(t *testing.T) {
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none"), storetest.Key(1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("err = %v, want ErrNotExist", err)
	}
}

func open1(t *testing.T, dir string) store.Store {
	t.Helper()
	s, err := Open(t.Context(), dir, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func storetestFunction(name string) lambda.Function { return storetest.Filled(storetest.ID(name)) }

func BenchmarkAll1000(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir(), storetest.Key(1))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range 1000 {
		if err := s.CreateFunction(b.Context(), storetestFunction(fmt.Sprintf("f%d", i))); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := s.All(b.Context(), func(lambda.Function) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
