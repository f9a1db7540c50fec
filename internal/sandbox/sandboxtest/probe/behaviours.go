package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func behaviours() map[string]command {
	return map[string]command{
		"exit":             exit,
		"signal-self":      signalSelf,
		"catch-term":       catchTerm,
		"env":              func([]string) error { return print(os.Environ()) },
		"args":             func(args []string) error { return print(args) },
		"cwd":              cwd,
		"stdin":            stdin,
		"fds":              func([]string) error { return print(descriptors()) },
		"output":           output,
		"lines":            lines,
		"echo":             echo,
		"farewell":         farewell,
		"stream-type":      streamType,
		"echo-one":         echoOne,
		"socket-type":      socketType,
		"alloc":            alloc,
		"beat":             beat,
		"detach":           detach,
		"sleep":            func([]string) error { forever(); return nil },
		"sleep-quietly":    func([]string) error { return hold([]string{"1"}) },
		"hold":             hold,
		"wait":             wait,
		"self":             self,
		"nap":              nap,
		"spin":             spin,
		"listen":           listen,
		"dial":             dial,
		"write":            write,
		"read":             read,
		"tell":             tell,
		"call":             callOne,
		"call-all":         callAll,
		"witness":          witness,
		"make-shm":         makeShm,
		"hide":             hide,
		"hold-signals":     holdSignals,
		"hold-timers":      holdTimers,
		"flood-channel":    floodChannel,
		"send-descriptors": sendDescriptors,
		"ids":              func([]string) error { return print([]int{os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid()}) },
	}
}

func print(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

func number(args []string, i int) int {
	if i >= len(args) {
		return 0
	}
	n, _ := strconv.Atoi(args[i]) // the suite passes numbers
	return n
}

// forever waits for a signal. An empty select would end as a deadlock.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

func exit(args []string) error {
	os.Exit(number(args, 0))
	return nil
}

func signalSelf(args []string) error {
	if err := syscall.Kill(os.Getpid(), syscall.Signal(number(args, 0))); err != nil {
		return err
	}
	forever()
	return nil
}

// catchTerm exits with 7 when it is asked to end.
func catchTerm([]string) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("ready")
	<-asked
	os.Exit(7)
	return nil
}

func cwd([]string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	return print(dir)
}

func stdin([]string) error {
	n, err := io.Copy(io.Discard, os.Stdin)
	if err != nil {
		return err
	}
	return print(n)
}

// descriptors lists those that came with exec: what a process opens itself, Go's
// runtime included, is marked close-on-exec.
func descriptors() []int {
	var open []int
	for fd := range 4096 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			open = append(open, fd)
		}
	}
	return open
}

// output writes the asked number of bytes to stdout and to stderr.
func output(args []string) error {
	text := strings.Repeat("x", number(args, 0))
	if _, err := os.Stderr.WriteString(text); err != nil {
		return err
	}
	_, err := os.Stdout.WriteString(text)
	return err
}

// lines prints quickly, says on a stream that it has, and waits.
func lines(args []string) error {
	conn, err := accept()
	if err != nil {
		return err
	}
	for i := range number(args, 0) {
		fmt.Fprintln(os.Stdout, "out", i)
		fmt.Fprintln(os.Stderr, "err", i)
	}
	if _, err := conn.Write([]byte("printed\n")); err != nil {
		return err
	}
	forever()
	return nil
}

// alloc touches MiB of memory and says so.
func alloc(args []string) error {
	touch(number(args, 0))
	return print("allocated")
}

// beat appends to a file for as long as it lives.
func beat(args []string) error {
	f, err := os.OpenFile(args[0], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	for {
		if _, err := f.WriteString("."); err != nil {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// detach runs the probe in a session of its own, twice removed, and ends; with
// "keep" as first argument it stays.
func detach(args []string) error {
	c := exec.Command("/proc/self/exe", args[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Println("detached")
	if args[0] == "keep" {
		forever()
	}
	return nil
}

func nap(args []string) error {
	time.Sleep(time.Duration(number(args, 0)) * time.Millisecond)
	return nil
}

func spin(args []string) error {
	for end := time.Now().Add(time.Duration(number(args, 0)) * time.Millisecond); time.Now().Before(end); {
	}
	return print("spun")
}

// listen prints its address and answers every connection with what it says.
func listen(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	if err := print(l.Addr().String()); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go reflect(conn)
	}
}

func reflect(conn net.Conn) {
	defer conn.Close()
	_, _ = io.Copy(conn, conn) // the other end sees what happened
}

// dial says hello and prints the answer.
func dial(args []string) error {
	conn, err := net.DialTimeout("tcp", args[0], 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		return err
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	if err != nil {
		return err
	}
	return print(string(answer[:n]))
}

// write fills a file with MiB of data, or writes the text that is given instead.
func write(args []string) error {
	if len(args) > 2 {
		return os.WriteFile(args[0], []byte(args[2]), 0o644)
	}
	return fill(args[0], number(args, 1))
}

func fill(name string, mib int) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	chunk := make([]byte, 1<<20)
	for range mib {
		if _, err := f.Write(chunk); err != nil {
			return err
		}
	}
	return f.Sync()
}

func read(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	return print(string(text))
}
