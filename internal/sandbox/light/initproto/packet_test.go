package initproto_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

func sockets(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func TestRequestTravelsWithDescriptors(t *testing.T) {
	ours, theirs := sockets(t)
	defer func() { _ = unix.Close(theirs) }()
	want := initproto.Request{Seq: 7, Run: &initproto.Run{ID: 1, Path: "/bin/true", Env: []string{"A=b c"}}}
	packet, err := initproto.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(ours, packet, unix.UnixRights(0, 1), nil, 0); err != nil {
		t.Fatal(err)
	}
	got, fds, err := initproto.Receive(theirs, make([]byte, initproto.MaxPacket))
	if err != nil || len(fds) != 2 {
		t.Fatalf("received %d descriptors, %v", len(fds), err)
	}
	for _, fd := range fds {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d would be inherited: %v", fd, err)
		}
		_ = unix.Close(fd)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_ = unix.Close(ours)
	if _, _, err := initproto.Receive(theirs, make([]byte, initproto.MaxPacket)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestErrnoSurvives(t *testing.T) {
	cause := &os.PathError{Op: "starting", Path: "/x", Err: syscall.ENOENT}
	raw, err := initproto.Encode(initproto.Failure(3, cause))
	if err != nil {
		t.Fatal(err)
	}
	m, err := initproto.DecodeMessage(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Err(); !errors.Is(got, fs.ErrNotExist) || got.Error() != cause.Error() {
		t.Errorf("err = %v", got)
	}
	if (initproto.Message{Seq: 1}).Err() != nil {
		t.Error("a reply without an error has one")
	}
}

func TestTooLargeIsSaid(t *testing.T) {
	r := initproto.Request{Run: &initproto.Run{Args: []string{strings.Repeat("x", initproto.MaxPacket)}}}
	if _, err := initproto.Encode(r); !errors.Is(err, initproto.ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
}

// TestLimitOfDescriptorsIsSaid receives a descriptor when it may have no more.
func TestLimitOfDescriptorsIsSaid(t *testing.T) {
	ours, theirs := sockets(t)
	defer func() { _, _ = unix.Close(ours), unix.Close(theirs) }()
	if err := initproto.Send(ours, initproto.Request{Seq: 1}, ours); err != nil {
		t.Fatal(err)
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max}); err != nil { // standard input, output, error
		t.Fatal(err)
	}
	_, fds, err := initproto.Receive(theirs, make([]byte, initproto.MaxPacket))
	if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); restored != nil {
		t.Fatal(restored)
	}
	if !errors.Is(err, initproto.ErrCut) || len(fds) != 0 {
		t.Errorf("received %v, err = %v", fds, err)
	}
}

// FuzzDecodeMessage: an init that was taken over may say anything.
func FuzzDecodeMessage(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"Seq":1}`, `{"Seq":2,"Error":"x","Errno":2}`, `{"Exit":{"ID":1,"Signal":9}}`, `{"Exit":null,"Seq":-1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := initproto.DecodeMessage(raw)
		if err == nil && (m.Err() == nil) != (m.Error == "") {
			t.Errorf("%q: error %q became %v", raw, m.Error, m.Err())
		}
	})
}
