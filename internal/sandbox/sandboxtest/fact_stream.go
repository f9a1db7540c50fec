package sandboxtest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

func streamFacts() []fact {
	return []fact{
		{name: "StreamSpeaksBothWays", test: streamSpeaksBothWays},
		{name: "StreamChannelIsSequentialPackets", test: streamChannelIsSequentialPackets},
		{name: "StreamOpenedEarlyIsFoundLater", test: streamOpenedEarly},
		{name: "ManyStreams", test: manyStreams},
		{name: "StreamCarriesMuch", test: streamCarriesMuch},
		{name: "StreamHasDeadlines", test: streamHasDeadlines},
		{name: "StreamEndsWithItsCommand", test: streamEndsWithItsCommand},
		{name: "UntakenStreamEndsWithItsCommand", test: untakenStreamEnds},
		{name: "OpenWithoutStreamCommand", test: openWithoutStreamCommand},
		{name: "OpenAfterTheCommandEnded", test: openAfterTheCommandEnded},
		{name: "OpenSpeaksToTheMostRecent", test: openSpeaksToTheMostRecent},
		{name: "OpenIgnoresCommandsWithoutStream", test: openIgnoresOthers},
		{name: "OpenEndsWithContext", test: openEndsWithContext},
	}
}

// open opens a stream that ends with the test.
func (r *rig) open(box sandbox.Sandbox) net.Conn {
	r.Helper()
	conn, err := box.Open(r.ctx())
	if err != nil {
		r.Fatalf("Open: %v", err)
	}
	r.Cleanup(func() { _ = conn.Close() }) // a second close in some tests
	if err := conn.SetDeadline(time.Now().Add(opTimeout)); err != nil {
		r.Fatal(err)
	}
	return conn
}

func (r *rig) expect(conn io.Reader, want string) {
	r.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		r.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

// speak says something that an echo must answer.
func (r *rig) speak(conn io.ReadWriter) {
	r.Helper()
	if _, err := io.WriteString(conn, "marco\n"); err != nil {
		r.Fatalf("writing: %v", err)
	}
	r.expect(conn, "marco\n")
}

// expectEnd checks that the other end is gone.
func (r *rig) expectEnd(conn net.Conn) {
	r.Helper()
	_, err := conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		r.Errorf("the stream still lives: %v", err)
	}
}

func streamSpeaksBothWays(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	r.speak(r.open(box))
}

func streamChannelIsSequentialPackets(r *rig) {
	p := r.stream(r.bound(), "stream-type")
	if r.exit(p); p.stdout.String() != "[true,true]\n" {
		r.Errorf("unix, seqpacket = %s", p.stdout)
	}
}

func streamOpenedEarly(r *rig) {
	box := r.bound()
	r.stream(box, "echo", "2000")
	begin := time.Now()
	conn := r.open(box)
	if waited := time.Since(begin); waited > 1500*time.Millisecond {
		r.Errorf("Open waited %v for the command to look", waited)
	}
	r.speak(conn)
}

func manyStreams(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	var conns []net.Conn
	for range 8 {
		conns = append(conns, r.open(box))
	}
	for _, conn := range conns {
		r.speak(conn)
	}
}

func streamCarriesMuch(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	conn := r.open(box)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	failed := make(chan error, 1)
	go func() { _, err := conn.Write(sent); failed <- err }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
		r.Errorf("what came back differs: %v", err)
	}
	if err := <-failed; err != nil {
		r.Errorf("writing: %v", err)
	}
}

func streamHasDeadlines(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	conn := r.open(box)
	if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		r.Fatal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	r.want("reading past a deadline", err, os.ErrDeadlineExceeded)
}

func streamEndsWithItsCommand(r *rig) {
	box := r.bound()
	p := r.stream(box, "echo")
	conn := r.open(box)
	r.speak(conn)
	if err := p.Signal(os.Kill); err != nil {
		r.Fatalf("Signal: %v", err)
	}
	r.expectEnd(conn)
}

// untakenStreamEnds: a stream that the command never took must not hang its user.
func untakenStreamEnds(r *rig) {
	box := r.bound()
	p := r.stream(box, "sleep")
	conn := r.open(box)
	if err := p.Signal(os.Kill); err != nil {
		r.Fatalf("Signal: %v", err)
	}
	r.expectEnd(conn)
}

func openWithoutStreamCommand(r *rig) {
	box := r.bound()
	r.start(box, probe("sleep"))
	if _, err := box.Open(r.ctx()); err == nil {
		r.Error("Open gave a stream to nobody")
	}
}

func openAfterTheCommandEnded(r *rig) {
	box := r.bound()
	r.exit(r.stream(box, "exit", "0"))
	_, err := box.Open(r.ctx())
	r.want("Open after the command ended", err, sandbox.ErrClosed)
}

func openSpeaksToTheMostRecent(r *rig) {
	box := r.bound()
	old := r.stream(box, "echo")
	r.stream(box, "echo")
	conn := r.open(box)
	if err := old.Signal(os.Kill); err != nil {
		r.Fatalf("Signal: %v", err)
	}
	r.exit(old)
	r.speak(conn)
	r.speak(r.open(box))
}

func openIgnoresOthers(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	r.start(box, probe("sleep"))
	r.speak(r.open(box))
}

func openEndsWithContext(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	_, err := box.Open(r.cancelled())
	r.want("Open with a cancelled context", err, errCaller)
	r.speak(r.open(box))
}
