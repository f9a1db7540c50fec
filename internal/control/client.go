package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"

	"lambent.dev/lambent/internal/receipt"
)

// Errors that callers tell apart.
var (
	ErrNoServer   = errors.New("no server answers")
	ErrNoFunction = errors.New("there is no such function")
)

// Client asks the server of one data folder.
type Client struct {
	data string
	http *http.Client
}

// NewClient returns a client. It connects when it is asked something.
func NewClient(data string) *Client {
	open := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, data) }
	return &Client{data: data, http: &http.Client{Transport: &http.Transport{DialContext: open, DisableKeepAlives: true}}}
}

// Path is where the client looks for the server.
func (c *Client) Path() string { return filepath.Join(c.data, Socket) }

// Log yields the lines of a function's log, oldest first. The last pair may have an error,
// ErrNoServer or ErrNoFunction among others, and no line. Following ends when ctx does or,
// without an error, when the server ends.
func (c *Client) Log(ctx context.Context, function string, q Query) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for l, err := range values[Line](ctx, c, "/v1/functions/"+url.PathEscape(function)+"/log?"+q.encode()) {
			if err == nil && l.Error != "" {
				l, err = Line{}, fmt.Errorf("reading the log: %s", l.Error)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// Receipts yields the receipts of a function's invocations as they end, and ends as Log
// does when it follows. It calls watching before it yields: from then on none is missed.
func (c *Client) Receipts(ctx context.Context, function string, watching func()) iter.Seq2[receipt.Receipt, error] {
	return opened[receipt.Receipt](ctx, c, "/v1/functions/"+url.PathEscape(function)+"/receipts", watching)
}

// Slowest yields the receipts of a function's slowest invocations of the last hour or so,
// the slowest first.
func (c *Client) Slowest(ctx context.Context, function string) iter.Seq2[receipt.Receipt, error] {
	return values[receipt.Receipt](ctx, c, "/v1/functions/"+url.PathEscape(function)+"/slowest")
}

// values yields what an answer holds, JSON value by JSON value.
func values[T any](ctx context.Context, c *Client, path string) iter.Seq2[T, error] {
	return opened[T](ctx, c, path, func() {})
}

// opened is values, and calls begun when the answer has begun.
func opened[T any](ctx context.Context, c *Client, path string, begun func()) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		body, err := c.get(ctx, path)
		if err != nil {
			yield(none, err)
			return
		}
		defer body.Close()
		begun()
		in := json.NewDecoder(body)
		for {
			var v T
			err := in.Decode(&v)
			if errors.Is(err, io.EOF) || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// get returns the body of an answer. The host in the URL is a formality: the socket is the address.
func (c *Client) get(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://lambent"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, reaching(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusNotFound {
		return nil, ErrNoFunction
	}
	return nil, fmt.Errorf("the server answered %s: %s", resp.Status, strings.TrimSpace(string(text)))
}

// reaching tells a server that is not there from a caller who left.
func reaching(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrNoServer
	}
	return fmt.Errorf("asking the server: %w", err)
}
