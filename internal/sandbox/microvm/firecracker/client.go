package firecracker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// longestAnswer bounds what Firecracker may say at once, in bytes.
const longestAnswer = 64 << 10

// Client asks one Firecracker. Its methods may be called from many goroutines; Firecracker
// answers one after the other. It keeps one connection.
type Client struct {
	http *http.Client
}

// New returns a client that connects with dial when it first needs to.
func New(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{http: &http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxConnsPerHost: 1, DisableCompression: true, MaxResponseHeaderBytes: longestAnswer,
	}}}
}

// Close ends the connection.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// put and patch send a body that is answered with nothing.
func (c *Client) put(ctx context.Context, path string, body any) error {
	return c.ask(ctx, http.MethodPut, path, body, nil)
}

func (c *Client) patch(ctx context.Context, path string, body any) error {
	return c.ask(ctx, http.MethodPatch, path, body, nil)
}

// ask sends one request. The answer is decoded into answer unless that is nil.
func (c *Client) ask(ctx context.Context, method, path string, body, answer any) error {
	request, err := newRequest(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("asking Firecracker: %s %s: %w", method, path, whyNot(ctx, err))
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of Firecracker to %s %s: %w", method, path, whyNot(ctx, err))
	}
	if response.StatusCode/100 != 2 {
		return refusal(method, path, response.StatusCode, said)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(said, answer); err != nil {
		return fmt.Errorf("reading the answer of Firecracker to %s %s: %w", method, path, err)
	}
	return nil
}

func newRequest(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var text io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, text)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// whyNot prefers the reason for which a caller stopped waiting.
func whyNot(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return errors.Join(cause, err)
	}
	return err
}
