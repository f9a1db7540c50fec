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
		body, err := c.get(ctx, "/v1/functions/"+url.PathEscape(function)+"/log?"+q.encode())
		if err != nil {
			yield(Line{}, err)
			return
		}
		defer body.Close()
		decode(json.NewDecoder(body), yield)
	}
}

func decode(in *json.Decoder, yield func(Line, error) bool) {
	for {
		var l Line
		err := in.Decode(&l)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil && l.Error != "" {
			err = errors.New(l.Error)
		}
		if err != nil {
			yield(Line{}, fmt.Errorf("reading the log: %w", err))
			return
		}
		if !yield(l, nil) {
			return
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
