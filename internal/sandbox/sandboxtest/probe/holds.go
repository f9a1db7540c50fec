package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// holdSignals sends itself signals that it does not take, as many as it is let, and keeps them.
func holdSignals(args []string) error {
	const realTime = 40 // one of those that are queued, each by itself (signal(7))
	var blocked unix.Sigset_t
	blocked.Val[0] = 1 << (realTime - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, nil); err != nil {
		return err
	}
	for range number(args, 0) {
		if unix.Tgkill(unix.Getpid(), unix.Gettid(), realTime) != nil {
			break
		}
	}
	if err := print("here"); err != nil {
		return err
	}
	forever()
	return nil
}

// holdTimers makes timers that never run out, as many as it is let.
func holdTimers(args []string) error {
	for range number(args, 0) {
		var id int32
		if _, err := call(nil, unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, 0, uintptr(unsafe.Pointer(&id))); err != nil {
			break
		}
	}
	if err := print("here"); err != nil {
		return err
	}
	forever()
	return nil
}

// floodChannel writes into the stream channel what nobody asked for, with descriptors, until
// there is no room, and serves streams as if nothing were.
func floodChannel([]string) error {
	fd, err := channelFD()
	if err != nil {
		return err
	}
	for range 10_000 {
		if unix.Sendmsg(fd, []byte("flood"), unix.UnixRights(0, 1, 2), nil, unix.MSG_DONTWAIT) != nil {
			break
		}
	}
	if err := print("here"); err != nil {
		return err
	}
	return echo(nil)
}

// sendDescriptors passes descriptors over the first stream, as often as it is let, beside lines.
func sendDescriptors([]string) error {
	conn, err := accept()
	if err != nil {
		return err
	}
	socket := conn.(interface {
		WriteMsgUnix(data, rights []byte, to *net.UnixAddr) (n, rightsn int, err error)
	})
	for range 100 {
		if _, _, err := socket.WriteMsgUnix([]byte("x"), unix.UnixRights(0, 1, 2), nil); err != nil {
			break
		}
	}
	if _, err := conn.Write([]byte("\n")); err != nil {
		return err
	}
	forever()
	return nil
}

// testimony is what witness tells.
type testimony struct {
	PID   int
	IDs   []int
	Host  string
	Env   []string
	Files []string
}

// witness answers each line on the first stream with what it is and what stands in files.
func witness(args []string) error {
	conn, err := accept()
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		told := testimony{PID: os.Getpid(), IDs: []int{os.Getuid(), os.Getgid()}, Env: os.Environ()}
		if told.Host, err = os.Hostname(); err != nil {
			return err
		}
		for _, name := range args {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			told.Files = append(told.Files, string(text))
		}
		if err := json.NewEncoder(conn).Encode(told); err != nil {
			return err
		}
	}
	return nil
}

// tell prints its address and tells everybody who connects a text.
func tell(args []string) error {
	l, err := net.Listen(args[0], args[1])
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
		_, _ = io.WriteString(conn, args[2]) // the other end sees what happened
		_ = conn.Close()                     // as above
	}
}
