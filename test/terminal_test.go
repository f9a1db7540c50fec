package test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/creack/pty"
)

// columns is how wide a terminal of a script is: as wide as a table may be.
const columns = 100

// terminal is the program `terminal [-until TEXT] PROGRAM ARG…` of the scripts: it runs the program on
// a terminal of its own, prints what is shown there, and ends with the program's code. Once TEXT
// was shown it types ^C.
func terminal() {
	args, until := os.Args[1:], ""
	if len(args) > 2 && args[0] == "-until" {
		until, args = args[1], args[2:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: terminal [-until TEXT] PROGRAM ARG…")
		os.Exit(2)
	}
	shown, err := onTerminal(exec.Command(args[0], args[1:]...), until)
	fmt.Print(strings.ReplaceAll(shown, "\r\n", "\n")) // as the terminal, not the program, writes them
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		os.Exit(ended.ExitCode())
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// onTerminal runs a program and returns all that its terminal showed.
func onTerminal(cmd *exec.Cmd, until string) (string, error) {
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: columns})
	if err != nil {
		return "", err
	}
	defer screen.Close()
	shown, err := read(screen, until)
	return shown, errors.Join(err, cmd.Wait())
}

// read reads a terminal until no program has it any more, which Linux answers with EIO.
func read(screen io.ReadWriter, until string) (string, error) {
	var shown bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := screen.Read(buf)
		shown.Write(buf[:n])
		if until != "" && bytes.Contains(shown.Bytes(), []byte(until)) {
			until = ""
			if _, err := io.WriteString(screen, "\x03"); err != nil {
				return shown.String(), err
			}
		}
		if errors.Is(err, syscall.EIO) || errors.Is(err, io.EOF) {
			return shown.String(), nil
		}
		if err != nil {
			return shown.String(), err
		}
	}
}
