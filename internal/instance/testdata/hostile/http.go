package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// client is the Runtime API as the hostile runtime uses it.
type client struct{ addr, base string }

func serveHTTP(attack string) error {
	c := client{addr: os.Getenv("AWS_LAMBDA_RUNTIME_API")}
	c.base = "http://" + c.addr + "/2018-06-01/runtime/"
	for {
		res, err := http.Get(c.base + "invocation/next")
		if err != nil {
			return err
		}
		event, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
		answer := "fine"
		if strings.Contains(string(event), "attack") {
			answer = c.attack(attack, id)
		}
		c.post("invocation/"+id+"/response", strconv.Quote(answer))
	}
}

// post returns the status.
func (c client) post(path, body string) string {
	res, err := http.Post(c.base+path, "application/json", strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	_ = res.Body.Close()
	return strconv.Itoa(res.StatusCode)
}

// attack does it and tells what came of it.
func (c client) attack(name, id string) string {
	switch name {
	case "other-id":
		return c.post("invocation/8f5e2c6e-0000-4000-8000-00000000beef/response", `"of somebody else"`)
	case "id-of-path":
		return c.post("invocation/..%2f..%2finit/response", `"x"`)
	case "late-init-error":
		return c.post("init/error", `{"errorType":"Extension.Crash"}`)
	case "two-answers":
		return c.post("invocation/"+id+"/response", `"first"`) + c.post("invocation/"+id+"/response", `"second"`)
	case "answer-and-error":
		return c.post("invocation/"+id+"/response", `"first"`) + c.post("invocation/"+id+"/error", `{"errorType":"Second"}`)
	case "large-header":
		return status(exchange(c.addr, "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 4<<20)+"\r\n\r\n"))
	case "many-headers":
		return status(exchange(c.addr, "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n"+strings.Repeat("X-Many: a\r\n", 400_000)+"\r\n"))
	case "two-lengths":
		return status(exchange(c.addr, c.answerHead(id)+"Content-Length: 4\r\nContent-Length: 400\r\n\r\n\"ab\""))
	case "length-and-chunks":
		return status(exchange(c.addr, c.answerHead(id)+"Content-Length: 0\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"))
	case "not-http":
		return status(exchange(c.addr, strings.Repeat("\x16\x03\x01\x00\xff\r\n", 4096)))
	case "proxy":
		return status(exchange(c.addr, "GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n"))
	case "tunnel":
		return status(exchange(c.addr, "CONNECT 127.0.0.1:9701 HTTP/1.1\r\nHost: 127.0.0.1:9701\r\nConnection: close\r\n\r\n"))
	case "home-as-another":
		home := strings.TrimPrefix(os.Getenv("AWS_ENDPOINT_URL_LAMBDA"), "http://")
		answer := exchange(home, "GET /2015-03-31/functions/other HTTP/1.1\r\nHost: 127.0.0.1:9701\r\nAuthorization: AWS4-HMAC-SHA256 Credential=root/20261125/us-east-1/lambda/aws4_request\r\nX-Amz-Function: other\r\nConnection: close\r\n\r\n")
		return answer[strings.LastIndex(answer, "\n")+1:]
	case "endless-answer":
		return c.endless(id)
	case "half-answer":
		return exchangeWithin(c.addr, c.answerHead(id)+"Content-Length: 100000000000\r\n\r\n\"", 500*time.Millisecond)
	case "slow-loris":
		return c.hold(400, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nX-Slow: ")
	case "slow-loris-home":
		c.addr = strings.TrimPrefix(os.Getenv("AWS_ENDPOINT_URL_LAMBDA"), "http://")
		return c.hold(400, "POST /2015-03-31/functions/x/invocations HTTP/1.1\r\nX-Slow: ")
	case "next-without-answer":
		return c.hold(400, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	return "unknown attack " + name
}

func (c client) answerHead(id string) string {
	return "POST /2018-06-01/runtime/invocation/" + id + "/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
}

// hang keeps the event until the function is ended.
func hang() string {
	time.Sleep(time.Hour)
	return ""
}

// endless sends an answer of 32 MiB.
func (c client) endless(id string) string {
	body, w := io.Pipe()
	go func() {
		chunk := make([]byte, 1<<20)
		for range 32 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		_ = w.Close()
	}()
	res, err := http.Post(c.base+"invocation/"+id+"/response", "application/json", body)
	if err != nil {
		return err.Error()
	}
	_ = res.Body.Close()
	return strconv.Itoa(res.StatusCode)
}

// hold begins as many requests as it can and ends none.
func (c client) hold(count int, begin string) string {
	for i := range count {
		conn, err := net.DialTimeout("tcp", c.addr, 100*time.Millisecond)
		if err != nil {
			fmt.Println("connections:", i, err)
			break
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, begin) // the host may have closed it
	}
	return hang()
}
