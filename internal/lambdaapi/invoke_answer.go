package lambdaapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// describeRun writes the headers of an invocation's answer: Lambda's, then Lambent's
// receipt.
func (c *call) describeRun(inv *lambda.Invocation, r *receipt.Receipt, sink *lambda.Buffer) {
	h := headers{to: c.w.Header(), values: make([]string, 0, 13)}
	h.set("Content-Type", contentType(sink))
	h.set("X-Amz-Executed-Version", r.Version)
	h.set("X-Amzn-Trace-Id", inv.TraceID)
	if sink.FunctionError() != nil {
		h.set("X-Amz-Function-Error", "Unhandled")
	}
	if inv.TailLog {
		h.set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(tail(r.TailLog)))
	}
	h.set("Server-Timing", r.ServerTiming())
	h.set("X-Lambent-Usage", r.Usage())
	h.set("X-Lambent-Start", string(r.Start))
	h.set("X-Lambent-Isolation", r.Tier.String())
	if r.Emulated {
		h.set("X-Lambent-Emulated", "true")
	}
	if r.Network != "" {
		h.set("X-Lambent-Network", string(r.Network))
	}
	if r.Cost != (receipt.Cost{}) {
		h.set("X-Lambent-Cost", r.Cost.String())
	}
	if r.Why != "" {
		h.set("X-Lambent-Why", headerText(r.Why))
	}
}

// headers are set with values in one array, where http.Header.Set would allocate one for
// each.
type headers struct {
	to     http.Header
	values []string
}

// set takes a name in its canonical form.
func (h *headers) set(name, value string) {
	h.values = append(h.values, value)
	n := len(h.values)
	h.to[name] = h.values[n-1 : n : n]
}

func contentType(sink *lambda.Buffer) string {
	if t := sink.ContentType(); t != "" && sink.FunctionError() == nil {
		return headerText(t)
	}
	return "application/json"
}

// tail keeps the end of a log, at most what Lambda sends of it.
func tail(log []byte) []byte {
	return log[max(0, len(log)-lambda.MaxTailLog):]
}

// headerText makes a text fit a header's value: printable ASCII, at most 512 bytes.
func headerText(s string) string {
	const most = 512
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}

// traceID returns the caller's trace header, or a new unsampled one. Source: AWS X-Ray
// Developer Guide, "Tracing header".
func traceID(given string, now time.Time) string {
	if given != "" && len(given) <= maxTraceID && headerText(given) == given {
		return given
	}
	var bytes [16]byte // the second, and twelve at random
	binary.BigEndian.PutUint32(bytes[:4], uint32(now.Unix()))
	_, _ = rand.Read(bytes[4:]) // never fails (crypto/rand)
	id := make([]byte, 0, len("Root=1-01234567-0123456789abcdef01234567;Sampled=0"))
	id = hex.AppendEncode(append(id, "Root=1-"...), bytes[:4])
	id = hex.AppendEncode(append(id, '-'), bytes[4:])
	return string(append(id, ";Sampled=0"...))
}
