package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
)

// worker is an interpreter that runs a handler, reached over two pipes. Whoever has it out of
// the relay's channel has it for one request.
type worker struct {
	in  io.WriteCloser
	out io.ReadCloser
	buf []byte
}

// relay serves requests on addr with n processes of command: the least that can stand between an
// HTTP request and a handler in a process of its own. It reads one kind of request; one write and
// one read go to the process. No limits, no log, no receipt, no sandbox.
func relay(ctx context.Context, addr string, n int, command []string) error {
	free := make(chan *worker, n)
	for range n {
		w, child, err := startWorker(ctx, command)
		if err != nil {
			return err
		}
		defer func() { _ = w.in.Close(); _ = child.Wait() }() // ctx has killed it, or it sees the end
		free <- w
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	return serveRelay(ctx, l, free)
}

// serveRelay accepts until ctx ends, which is no error.
func serveRelay(ctx context.Context, l net.Listener, free chan *worker) error {
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go relayConnection(c, free) // ends with the connection, or the program
	}
}

func relayConnection(c net.Conn, free chan *worker) {
	defer c.Close()
	if err := relayAll(c, free); !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "lambent-bench: relay:", err)
	}
}

func startWorker(ctx context.Context, command []string) (*worker, *exec.Cmd, error) {
	child := exec.CommandContext(ctx, command[0], command[1:]...)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return &worker{in: in, out: out, buf: make([]byte, 64<<10)}, child, child.Start()
}

// relayAll answers the requests of one connection until it ends, and says how.
func relayAll(c net.Conn, free chan *worker) error {
	in := bufio.NewReader(c)
	var frame, answer []byte
	for {
		var err error
		if frame, err = readEvent(in, frame[:0]); err != nil {
			return err
		}
		if answer, err = answerOf(<-free, free, frame, answer[:0]); err != nil {
			return err
		}
		if _, err := c.Write(answer); err != nil {
			return err
		}
	}
}

// answerOf appends what a worker answers to an event, as HTTP, and frees it.
func answerOf(w *worker, free chan<- *worker, frame, answer []byte) ([]byte, error) {
	defer func() { free <- w }()
	body, err := w.run(frame)
	if err != nil {
		return nil, err
	}
	answer = append(answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	return append(append(strconv.AppendInt(answer, int64(len(body)), 10), "\r\n\r\n"...), body...), nil
}

// readEvent appends the body of a request with a Content-Length, its length before it.
func readEvent(in *bufio.Reader, frame []byte) ([]byte, error) {
	length, err := readHead(in)
	if err != nil {
		return nil, err
	}
	frame = binary.BigEndian.AppendUint32(frame, uint32(length))
	frame = append(frame, make([]byte, length)...)
	_, err = io.ReadFull(in, frame[4:])
	return frame, err
}

// readHead reads the head of a request, and returns the length of its body: 1 MiB at most.
func readHead(in *bufio.Reader) (length int, err error) {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return length, err
		}
		value, ok := bytes.CutPrefix(line, []byte("Content-Length: "))
		if !ok {
			continue
		}
		if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || length < 0 || length > 1<<20 {
			return 0, errors.New("bad Content-Length")
		}
	}
}

// run hands an event over and returns the answer, valid until the next.
func (w *worker) run(frame []byte) ([]byte, error) {
	if _, err := w.in.Write(frame); err != nil {
		return nil, err
	}
	n, err := io.ReadAtLeast(w.out, w.buf, 4)
	if err != nil {
		return nil, err
	}
	size := 4 + int(binary.BigEndian.Uint32(w.buf))
	if size > len(w.buf) {
		return nil, errors.New("the answer is longer than 64 KiB")
	}
	if n < size {
		if _, err := io.ReadFull(w.out, w.buf[n:size]); err != nil {
			return nil, err
		}
	}
	return w.buf[4:size], nil
}
