package main

import (
	"bytes"
	"encoding/binary"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

func networkAttacks() map[string]attack {
	return map[string]attack{
		"connect":   connect,
		"socket":    socket,
		"configure": configure,
	}
}

// connect reads what the other end says first.
func connect(args []string) (string, error) {
	conn, err := net.DialTimeout(args[0], args[1], 2*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	text := make([]byte, secretSize)
	n, err := conn.Read(text)
	return string(text[:n]), err
}

func socket(args []string) (string, error) {
	fd, err := unix.Socket(number(args, 0), number(args, 1), number(args, 2))
	if err != nil {
		return "", err
	}
	return "", unix.Close(fd)
}

// configure asks the kernel over netlink to set the loopback's flag IFF_UP, which it
// has: a change that changes nothing and needs CAP_NET_ADMIN (rtnetlink(7)).
func configure([]string) (string, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, upRequest(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return "", err
	}
	answer := make([]byte, secretSize)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		return "", err
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
		return "", unix.Errno(-code)
	}
	return "", nil
}

func upRequest() []byte {
	const loopback = 1 // its index in every network namespace
	header := unix.NlMsghdr{
		Len: unix.SizeofNlMsghdr + unix.SizeofIfInfomsg, Type: unix.RTM_NEWLINK,
		Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK, Seq: 1,
	}
	link := unix.IfInfomsg{Index: loopback, Flags: unix.IFF_UP, Change: unix.IFF_UP}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.NativeEndian, header) // a buffer takes everything
	_ = binary.Write(&b, binary.NativeEndian, link)   // a buffer takes everything
	return b.Bytes()
}
