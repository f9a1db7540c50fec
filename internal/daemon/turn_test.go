package daemon

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/handover"
	"lambent.dev/lambent/internal/lambda"
)

// lines is the successor's side of a connection, spoken by hand.
type lines struct{ *net.UnixConn }

func (l lines) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(l, text+"\n"); err != nil {
		t.Error(err)
	}
}

func (l lines) hear(t *testing.T, want string) {
	t.Helper()
	buffer := make([]byte, 4096)
	n, err := l.Read(buffer)
	if got := string(buffer[:n]); got != want+"\n" {
		t.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

// asked returns a turn that notes changes for a successor.
func asked(t *testing.T) (*turn, lines) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		c, err := net.FileConn(f)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		ends[i] = c.(*net.UnixConn)
		t.Cleanup(func() { _ = c.Close() })
	}
	successor := lines{ends[1]}
	successor.say(t, `{"protocol":1}`)
	p, _, err := handover.Receive(ends[0])
	if err != nil {
		t.Fatal(err)
	}
	turn := newTurn(slog.New(slog.DiscardHandler))
	if err := turn.begin(p); err != nil {
		t.Fatal(err)
	}
	return turn, successor
}

// answer is a handler that says who it is.
type answer string

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, string(a))
}

func ask(h http.Handler) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Body.String()
}

var changed = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "f"}

const heard = `{"changed":[{"Account":"000000000000","Region":"us-east-1","Name":"f"}]}`

// Requests wait while it is decided who answers, and changes are told before and after.
func TestTurnMoves(t *testing.T) {
	turn, successor := asked(t)
	h := turn.relay(answer("old"), answer("new"))
	if got := ask(h); got != "old" {
		t.Errorf("%s answered before", got)
	}
	turn.change(changed)
	decided, waited := make(chan error, 1), make(chan string, 1)
	go func() { decided <- turn.decide() }()
	successor.hear(t, heard)
	go func() { waited <- ask(h) }()
	select {
	case who := <-waited:
		t.Errorf("%s answered while it was decided", who)
	case <-time.After(50 * time.Millisecond):
	}
	successor.say(t, `{"done":true}`)
	successor.hear(t, `{"changed":null,"yours":true}`)
	if err := <-decided; err != nil || <-waited != "new" || ask(h) != "new" {
		t.Errorf("decided %v, and the new server did not answer", err)
	}
	told := make(chan bool)
	go func() { turn.change(changed); close(told) }()
	successor.hear(t, heard)
	successor.say(t, `{"done":true}`)
	<-told
	if err := turn.begin(nil); !errors.Is(err, errHandedOver) {
		t.Errorf("it would hand over twice: %v", err)
	}
}

// A successor that leaves before it has done all leaves everything as it was.
func TestTurnStays(t *testing.T) {
	turn, successor := asked(t)
	h := turn.relay(answer("old"), answer("new"))
	if err := turn.begin(nil); !errors.Is(err, errHandingOver) {
		t.Errorf("two would take over: %v", err)
	}
	decided, waited := make(chan error, 1), make(chan string, 1)
	go func() { decided <- turn.decide() }()
	successor.hear(t, `{"changed":[]}`)
	go func() { waited <- ask(h) }()
	time.Sleep(20 * time.Millisecond)
	if err := successor.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-decided; !errors.Is(err, handover.ErrBroken) || <-waited != "old" || ask(h) != "old" {
		t.Errorf("decided %v, and the old server did not answer", err)
	}
	turn.abandon()
	turn.change(changed) // nobody is told
	if err := turn.begin(nil); err != nil {
		t.Errorf("another may not try: %v", err)
	}
}

// What connects while a gate is paused is taken afterwards, or never if it is closed.
func TestGate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGate(l)
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error, 1)
	accept := func() {
		c, err := g.Accept()
		if err == nil {
			err = c.Close()
		}
		accepted <- err
	}
	go accept()
	time.Sleep(10 * time.Millisecond)
	if err := g.pause(); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	select {
	case err := <-accepted:
		t.Fatalf("accepted through a paused gate, %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := g.resume(); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	if err := g.pause(); err != nil {
		t.Fatal(err)
	}
	go accept()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed gate: %v", err)
	}
}
