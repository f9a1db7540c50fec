package firecracker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
)

// What Firecracker says is passed on, bounded, with what to do about it.
func TestRefusalsSayWhatToDo(t *testing.T) {
	for said, want := range map[string]string{
		`{"fault_message":"Error creating KVM object: Permission denied (os error 13)"}`: "lambent doctor",
		`{"fault_message":"Cannot allocate memory"}`:                                     "too little memory",
		`{"fault_message":"Load snapshot error: version"}`:                               "made anew",
		`not JSON`:          "not JSON",
		"\xff\xfe":          "?",
		`{"fault_message":`: "fault_message",
		`{"fault_message":"` + strings.Repeat("x", 1<<20) + `"}`: "xxx",
	} {
		dir := listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, said)
		}))
		err := client(t, dir).Pause(t.Context())
		var refused *firecracker.Refused
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) || len(err.Error()) > 2048 {
			t.Errorf("%.60q: %.300v", said, err)
		}
	}
}

// FuzzAnswer: a monitor that a guest took over may answer anything.
func FuzzAnswer(f *testing.F) {
	f.Add("HTTP/1.1 204 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n\r\n")
	f.Add("HTTP/1.1 400 \r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{\"fault_message\":\"x\"}")
	f.Add("HTTP/1.1 200 \r\nContent-Length: 99999999999\r\n\r\n{")
	f.Fuzz(func(t *testing.T, said string) {
		c := firecracker.New(func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { // ends with the conversation
				defer theirs.Close()
				go func() { _, _ = io.Copy(io.Discard, theirs) }()
				_, _ = io.WriteString(theirs, said)
			}()
			return ours, nil
		})
		defer c.Close()
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		_, _ = c.Version(ctx)
	})
}

// vsock answers each connection with a text, after it was asked.
func vsock(t testing.TB, said ...string) *os.File {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "vsock"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, text := range said {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64))
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return open(t, dir)
}

// Nobody may listen yet; what comes after the answer is the guest's.
func TestGuestIsReachedWhenItListens(t *testing.T) {
	dir := vsock(t, "", "", "OK 1073741824\nhello")
	conn, err := firecracker.DialGuest(t.Context(), dir, "vsock", 52)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); string(got) != "hello" || err != nil {
		t.Errorf("the guest says %q, %v", got, err)
	}
}

func TestWhatIsNoVsockIsRefused(t *testing.T) {
	for _, said := range []string{"HTTP/1.1 400\n", "OK\n", "OK x\n", "OK 99999999999\n", strings.Repeat("OK ", 100)} {
		if conn, err := firecracker.DialGuest(t.Context(), vsock(t, said), "vsock", 52); err == nil {
			_ = conn.Close()
			t.Errorf("%q was taken for an answer", said)
		}
	}
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "vsock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := firecracker.DialGuest(t.Context(), open(t, path), "vsock", 52); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
}

// Who leaves is told why he left.
func TestWaitingForAGuestEnds(t *testing.T) {
	left := errors.New("left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(left)
	if _, err := firecracker.DialGuest(ctx, open(t, t.TempDir()), "vsock", 52); !errors.Is(err, left) {
		t.Errorf("err = %v", err)
	}
}

// programs makes two that say versions.
func programs(t *testing.T, firecracker, jailer string) string {
	t.Helper()
	dir := t.TempDir()
	for name, said := range map[string]string{"firecracker": firecracker, "jailer": jailer} {
		if said == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho '"+said+"'\necho more\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestProgramsAreFoundAndOfOneVersion(t *testing.T) {
	good := programs(t, "Firecracker v1.13.1", "Jailer v1.13.1")
	found, err := firecracker.Find(t.Context(), []string{t.TempDir(), good})
	if err != nil || found.Version != "1.13.1" || found.Jailer != filepath.Join(good, "jailer") {
		t.Errorf("%+v, %v", found, err)
	}
	for want, dir := range map[string]string{
		"must be of one": programs(t, "Firecracker v1.13.1", "Jailer v1.12.0"), "1.10 or later": programs(t, "Firecracker v1.9.1", "Jailer v1.9.1"),
		"loses guests": programs(t, "Firecracker v1.16.1", "Jailer v1.16.1"), "jailer": programs(t, "Firecracker v1.13.1", ""), "no version": programs(t, "hello", "Jailer v1.13.1"), "no program": t.TempDir(),
	} {
		if _, err := firecracker.Find(t.Context(), []string{dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
