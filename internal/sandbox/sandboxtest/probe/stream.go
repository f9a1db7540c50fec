package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// channelFD is the stream channel's descriptor, from LAMBENT_STREAM=fd:N.
func channelFD() (int, error) {
	text, found := strings.CutPrefix(os.Getenv("LAMBENT_STREAM"), "fd:")
	if !found {
		return -1, fmt.Errorf("LAMBENT_STREAM is %q", os.Getenv("LAMBENT_STREAM"))
	}
	return strconv.Atoi(text)
}

// streamFD is the only stream's descriptor, from LAMBENT_STREAM=socket:N.
func streamFD() (int, error) {
	text, found := strings.CutPrefix(os.Getenv("LAMBENT_STREAM"), "socket:")
	if !found {
		return -1, fmt.Errorf("LAMBENT_STREAM is %q", os.Getenv("LAMBENT_STREAM"))
	}
	return strconv.Atoi(text)
}

// echoOne reflects the one stream that a command was given directly.
func echoOne([]string) error {
	fd, err := streamFD()
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "stream")
	conn, err := net.FileConn(f)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	reflect(conn)
	return nil
}

// socketType prints domain and type of the one stream.
func socketType([]string) error {
	fd, err := streamFD()
	if err != nil {
		return err
	}
	return printType(fd, unix.SOCK_STREAM)
}

// accept receives the next stream.
func accept() (net.Conn, error) {
	channel, err := channelFD()
	if err != nil {
		return nil, err
	}
	data, space := make([]byte, 16), make([]byte, unix.CmsgSpace(4*4))
	n, control, _, _, err := unix.Recvmsg(channel, data, space, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	fds, err := rights(space[:control])
	if err != nil {
		return nil, err
	}
	if n != 1 || len(fds) < 1 || len(fds) > 2 {
		return nil, fmt.Errorf("a message of the stream channel has %d bytes and %d descriptors", n, len(fds))
	}
	f := os.NewFile(uintptr(fds[0]), "stream")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil || len(fds) == 1 {
		return conn, err
	}
	return parted{conn.(*net.UnixConn), os.NewFile(uintptr(fds[1]), "pipe")}, nil
}

// parted is a stream that is read elsewhere than it is written.
type parted struct {
	*net.UnixConn
	pipe *os.File
}

func (p parted) Read(b []byte) (int, error) { return p.pipe.Read(b) }

func (p parted) Close() error { return errors.Join(p.pipe.Close(), p.UnixConn.Close()) }

func rights(control []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	return unix.ParseUnixRights(&messages[0])
}

// echo reflects every stream; it begins to look after the given milliseconds.
func echo(args []string) error {
	time.Sleep(time.Duration(number(args, 0)) * time.Millisecond)
	for {
		conn, err := accept()
		if err != nil {
			return err
		}
		go reflect(conn)
	}
}

// farewell says something on a stream and ends.
func farewell([]string) error {
	conn, err := accept()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(conn, "farewell")
	return err
}

// streamType prints domain and type of the stream channel.
func streamType([]string) error {
	fd, err := channelFD()
	if err != nil {
		return err
	}
	return printType(fd, unix.SOCK_SEQPACKET)
}

// printType prints whether a descriptor is a Unix socket, and one of a type.
func printType(fd, want int) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return err
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return err
	}
	return print([]bool{domain == unix.AF_UNIX, kind == want})
}
