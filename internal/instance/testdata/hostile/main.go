// Command hostile is a runtime that attacks who it speaks with. Its handler names the attack,
// which the event "attack" begins; any other event is answered. It speaks the Runtime API, or
// frames where it is given a stream.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	var err error
	if channel, found := strings.CutPrefix(os.Getenv("LAMBENT_STREAM"), "fd:"); found {
		err = serveFrames(channel, os.Getenv("_HANDLER"))
	} else {
		err = serveHTTP(os.Getenv("_HANDLER"))
	}
	fmt.Println("hostile:", err)
	os.Exit(1)
}

// exchange is a request written by hand and what came back for it, until the other end closes. Who
// sends more than is read may be cut off before it has read the answer: it tries again.
func exchange(addr, request string) (answer string) {
	for range 4 {
		if answer = exchangeWithin(addr, request, 5*time.Second); answer != "" {
			break
		}
	}
	return answer
}

// exchangeWithin is an exchange that ends after a while, too.
func exchangeWithin(addr, request string, d time.Duration) string {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(d))
	go func() { _, _ = io.WriteString(conn, request) }() // the answer says what became of it
	answer, _ := io.ReadAll(conn)                        // as above
	return string(answer)
}

// status is the first line of an answer.
func status(answer string) string {
	line, _, _ := strings.Cut(answer, "\r\n")
	return line
}
