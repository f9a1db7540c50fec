package http1

import (
	"bytes"
	"strings"
)

const (
	// headBytes bounds a plain head: the signed ones of SDKs have about 1 KiB, a client
	// context adds up to 3.5.
	headBytes = 8 << 10
	// bodyBytes bounds a plain body. net/http reads that much of one that its handler left
	// before it gives up the connection, and so does this package.
	bodyBytes = 256 << 10
)

// plain returns the length of the request's head that p begins with, 0 if it is not whole or
// not plain, and whether its body comes in chunks. Plain is less than RFC 9112 allows: a target
// that is a path; lines that end in CRLF; no control characters and nothing beyond ASCII; one
// Host and at most one Content-Length of digits, or one Transfer-Encoding that is chunked, with
// which there may be a Trailer; none of the other fields that change framing or the protocol.
func plain(p []byte) (head int, chunked bool) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, false
	}
	line, rest, _ := bytes.Cut(p[:end+2], []byte("\r\n"))
	if !plainRequestLine(line) {
		return 0, false
	}
	var seen fields
	for len(rest) > 0 {
		if line, rest, _ = bytes.Cut(rest, []byte("\r\n")); !seen.take(line) {
			return 0, false
		}
	}
	if !seen.plain() {
		return 0, false
	}
	return end + len("\r\n\r\n"), seen.chunked > 0
}

func plainRequestLine(line []byte) bool {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, proto, _ := bytes.Cut(rest, []byte(" "))
	switch string(method) {
	case "GET", "POST", "PUT", "DELETE":
	default:
		return false
	}
	return string(proto) == "HTTP/1.1" && len(target) > 0 && target[0] == '/' && !bytes.HasPrefix(target, []byte("//")) && printable(target)
}

// printable reports whether p has visible ASCII alone.
func printable(p []byte) bool {
	for _, b := range p {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}

// fields counts what may come once, and trailers.
type fields struct{ hosts, lengths, chunked, trailers int }

// plain reports whether they go together.
func (f *fields) plain() bool {
	return f.hosts == 1 && f.lengths+f.chunked <= 1 && (f.trailers == 0 || f.chunked > 0)
}

// take reports whether a line of the head is plain.
func (f *fields) take(line []byte) bool {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || !token(name) {
		return false
	}
	value = bytes.Trim(value, " \t")
	for _, b := range value {
		if (b < ' ' && b != '\t') || b > '~' {
			return false
		}
	}
	return f.count(name, value)
}

func (f *fields) count(name, value []byte) bool {
	switch {
	case is(name, "host"):
		f.hosts++
		return hostname(value)
	case is(name, "content-length"):
		f.lengths++
		return length(value)
	case is(name, "transfer-encoding"):
		f.chunked++
		return is(value, "chunked")
	case is(name, "trailer"):
		f.trailers++
		return true
	case is(name, "connection"):
		return is(value, "keep-alive")
	}
	for _, other := range changing {
		if is(name, other) {
			return false
		}
	}
	return true
}

// changing are fields that change how a message is framed, or what is spoken.
var changing = [...]string{"expect", "upgrade", "te", "http2-settings", "keep-alive", "proxy-connection"}

// is compares without case.
func is(a []byte, lower string) bool {
	return len(a) == len(lower) && strings.EqualFold(string(a), lower)
}

// token reports whether p is a field's name (RFC 9110, 5.6.2).
func token[T string | []byte](p T) bool {
	for i := range len(p) {
		b := p[i]
		letter := b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(b)) {
			return false
		}
	}
	return len(p) > 0
}

// hostname reports whether p can be a host and a port, with nothing odd in it.
func hostname(p []byte) bool {
	for _, b := range p {
		letter := b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9'
		if !letter && !strings.ContainsRune("-._:[]", rune(b)) {
			return false
		}
	}
	return len(p) > 0
}

// length reports whether p is the length of a plain body in digits.
func length(p []byte) bool {
	n := 0
	for _, b := range p {
		if b < '0' || b > '9' {
			return false
		}
		if n = 10*n + int(b-'0'); n > bodyBytes {
			return false
		}
	}
	return len(p) > 0
}
