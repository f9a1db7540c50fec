package control

import (
	"net/url"
	"strconv"
	"time"

	"lambent.dev/lambent/internal/logs"
)

// Line is one line of a function's log, as it goes over the socket: JSON, one per line.
type Line struct {
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream,omitempty"`
	Text    []byte    `json:"text,omitempty"`    // as the function wrote it, without the newline
	Dropped bool      `json:"dropped,omitempty"` // Text says how many lines are missing here
	Error   string    `json:"error,omitempty"`   // reading ended with it; nothing else is set
}

func lineOf(r logs.Record) Line {
	return Line{Time: r.Time, Stream: r.Stream, Text: r.Line, Dropped: r.Kind == logs.Dropped}
}

// Query says which lines are wanted.
type Query struct {
	Since  time.Time // older lines are left out; zero = all that is stored
	Follow bool      // go on with new lines until the caller leaves
}

func (q Query) encode() string {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.Follow {
		v.Set("follow", "true")
	}
	return v.Encode()
}

func parseQuery(v url.Values) (q Query, err error) {
	if since := v.Get("since"); since != "" {
		if q.Since, err = time.Parse(time.RFC3339Nano, since); err != nil {
			return q, err
		}
	}
	if follow := v.Get("follow"); follow != "" {
		q.Follow, err = strconv.ParseBool(follow)
	}
	return q, err
}
