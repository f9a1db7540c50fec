package lambdaapi

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// describeRun writes the headers of an invocation's answer: Lambda's, then Lambent's
// receipt.
func (c *call) describeRun(inv *lambda.Invocation, r *receipt.Receipt, sink *lambda.Buffer) {
	h := c.w.Header()
	h.Set("Content-Type", contentType(sink))
	h.Set("X-Amz-Executed-Version", r.Version)
	h.Set("X-Amzn-Trace-Id", inv.TraceID)
	if sink.FunctionError() != nil {
		h.Set("X-Amz-Function-Error", "Unhandled")
	}
	if inv.TailLog {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(tail(r.TailLog)))
	}
	h.Set("Server-Timing", r.ServerTiming())
	h.Set("X-Lambent-Usage", r.Usage())
	h.Set("X-Lambent-Start", string(r.Start))
	h.Set("X-Lambent-Isolation", r.Tier.String())
	if r.Why != "" {
		h.Set("X-Lambent-Why", headerText(r.Why))
	}
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
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return fmt.Sprintf("Root=1-%08x-%x;Sampled=0", uint32(now.Unix()), random)
}
