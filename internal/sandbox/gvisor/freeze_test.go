package gvisor_test

import (
	"fmt"
	"io"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// pythonEcho answers every stream with plain reads and writes, as the bootstraps do.
const pythonEcho = `
import os, socket
channel = socket.socket(fileno=int(os.environ["LAMBENT_STREAM"][3:]))
_, fds, _, _ = socket.recv_fds(channel, 1, 1)
stream = socket.socket(fileno=fds[0])
while data := stream.recv(100):
    stream.sendall(data)
`

func TestStreamsSurviveFreezing(t *testing.T) {
	box := newBox(t)
	if _, err := box.Run(t.Context(), sandbox.Command{Path: "/usr/bin/python3", Args: []string{"-c", pythonEcho}, Stream: true}); err != nil {
		t.Fatal(err)
	}
	conn, err := box.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	freezer := box.(sandbox.Freezer)
	for i := range 200 {
		if i%2 == 1 {
			if err := freezer.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := freezer.Thaw(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		said := fmt.Sprintf("%06d", i)
		answer := make([]byte, len(said))
		if _, err := io.WriteString(conn, said); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != said {
			t.Fatalf("round %d: %q, %v, want %q", i, answer, err, said)
		}
	}
}
