package microvm

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// talk makes a conversation with a monitor that says a text whatever it is asked.
func talk(t testing.TB, said string) *qmp {
	t.Helper()
	conn, theirs, err := stream.ConnPair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	q := newQMP(conn)
	go func(f *os.File) { // ends with the text, or with the conversation
		defer f.Close()
		_, _ = io.ReadFull(f, make([]byte, 1))
		_, _ = io.WriteString(f, said)
	}(theirs)
	t.Cleanup(func() { _ = q.close() })
	return q
}

func TestMonitorAnswersAndRefuses(t *testing.T) {
	q := talk(t, `{"QMP":{}}`+"\n"+`{"event":"STOP"}`+"\n"+`{"id":1,"return":{"status":"running"}}`+"\n")
	var answer struct{ Status string }
	if err := q.ask(t.Context(), &answer, "query-status"); err != nil || answer.Status != "running" {
		t.Errorf("%+v, %v", answer, err)
	}
	if _, err := talk(t, `{"id":1,"error":{"class":"GenericError","desc":"no such node"}}`+"\n").do(t.Context(), "x", nil); err == nil || !strings.Contains(err.Error(), "no such node") {
		t.Errorf("err = %v", err)
	}
}

// A monitor that ends, or says what is not its protocol, leaves nobody waiting.
func TestMonitorThatEndsIsClosed(t *testing.T) {
	for _, said := range []string{"", "nonsense\n", `{"id":1`} {
		if _, err := talk(t, said).do(t.Context(), "stop", nil); !errors.Is(err, sandbox.ErrClosed) {
			t.Errorf("%q: %v", said, err)
		}
	}
}

// FuzzMonitor: a monitor that a guest took over may say anything.
func FuzzMonitor(f *testing.F) {
	f.Add(`{"id":1,"return":{}}` + "\n")
	f.Add(`{"id":1,"return":{},"error":{"desc":"x"}}` + "\n" + `[]`)
	f.Fuzz(func(t *testing.T, said string) {
		q := talk(t, said)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		var answer struct{ Status string }
		_ = q.ask(ctx, &answer, "query-status") // it answers, whatever it is
	})
}
