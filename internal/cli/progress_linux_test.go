package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What takes longer than a person's patience says on their terminal how far it is, and leaves nothing
// there.
func TestProgressOnATerminal(t *testing.T) {
	screen, terminal := pseudoTerminal(t)
	shown := bufio.NewReader(screen)
	until := func(end byte) string {
		text, err := shown.ReadString(end)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	logs := &logFiles{size: 3e9}
	logs.read.Store(1.2e9)
	err := duringSome(terminal, logs.progress, func() error {
		if text := until('s'); !strings.HasSuffix(text, "reading logs") {
			return fmt.Errorf("it says %q", text)
		}
		if text := until('s'); !strings.HasPrefix(text, ", 1200 of 3000 MB… ") {
			return fmt.Errorf("then %q", text)
		}
		return nil
	})
	if gone := until('K'); err != nil || gone != "\r\x1b[K" {
		t.Errorf("%v; and then %q", err, gone)
	}
}

// pseudoTerminal is a terminal and what shows it (pts(4)).
func pseudoTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this host has no pseudo-terminals")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err := errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return screen, terminal
}
