package sdk

import (
	"encoding/base64"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// tailOf decodes the log that came with an answer.
func tailOf(t *testing.T, out *lambda.InvokeOutput) string {
	t.Helper()
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		t.Errorf("log %q: %v", aws.ToString(out.LogResult), err)
	}
	return string(log)
}

// headersOf returns the headers of an answer, as they came.
func headersOf(t *testing.T, out *lambda.InvokeOutput) http.Header {
	t.Helper()
	raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
	if !ok {
		t.Fatal("no raw answer")
	}
	return raw.Header
}

func TestTailLog(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	tail := func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail }
	for i, last := range []string{`\tInit Duration: [0-9.]+ ms\t\n$`, `\tMax Memory Used: \d+ MB\t\n$`} {
		out := invoke(t, client, "echo", `{"n":1}`, tail)
		id := regexp.QuoteMeta(headersOf(t, out).Get("X-Amzn-Requestid"))
		shape := regexp.MustCompile(`(?s)^START RequestId: ` + id + ` Version: \$LATEST\n.*echo says \{"n": 1\}\nEND RequestId: ` + id +
			`\nREPORT RequestId: ` + id + `\tDuration: [0-9.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t.*` + strings.TrimPrefix(last, `\t`))
		if log := tailOf(t, out); !shape.MatchString(log) {
			t.Errorf("invocation %d: %q does not match %s", i+1, log, shape)
		}
	}
	if out := invoke(t, client, "echo", `{}`); out.LogResult != nil {
		t.Error("a log came unasked")
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	out := invoke(t, client, "echo", `{}`, func(in *lambda.InvokeInput) { in.InvocationType = types.InvocationTypeDryRun })
	if out.StatusCode != 204 || len(out.Payload) != 0 {
		t.Errorf("%d %s", out.StatusCode, out.Payload)
	}
}

// Every answer carries its receipt: how the instance was got, and where the time went.
func TestReceipt(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	for i := range 3 {
		began := time.Now()
		out := invoke(t, client, "echo", `{}`)
		wall := time.Since(began)
		h := headersOf(t, out)
		checkStart(t, i, h)
		sum, total := timings(t, h.Get("Server-Timing"))
		if math.Abs(sum-total) > 0.02*total || total <= 0 || total > float64(wall)/float64(time.Millisecond) {
			t.Errorf("phases sum to %.3f ms, total %.3f ms, the client saw %v: %s", sum, total, wall, h.Get("Server-Timing"))
		}
	}
}

// checkStart holds that only the first start was not warm, and said why.
func checkStart(t *testing.T, i int, h http.Header) {
	t.Helper()
	start, why := h.Get("X-Lambent-Start"), h.Get("X-Lambent-Why")
	if warm := start == "warm"; warm != (i > 0) || warm != (why == "") {
		t.Errorf("invocation %d: start %q, why %q", i+1, start, why)
	}
	if h.Get("X-Lambent-Isolation") != "light" {
		t.Errorf("isolation %q", h.Get("X-Lambent-Isolation"))
	}
	if !strings.HasPrefix(h.Get("X-Amzn-Trace-Id"), "Root=1-") || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
}

// timings reads Server-Timing: the sum of all phases, and the total.
func timings(t *testing.T, header string) (sum, total float64) {
	t.Helper()
	for metric := range strings.SplitSeq(header, ", ") {
		name, text, ok := strings.Cut(metric, ";dur=")
		ms, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil || ms < 0 {
			t.Errorf("bad metric %q", metric)
		}
		if name == "total" {
			total = ms
		} else {
			sum += ms
		}
	}
	return sum, total
}
