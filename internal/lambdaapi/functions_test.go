package lambdaapi

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

func TestGetFunctionByEveryName(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"Publish": true})
	arn := "arn:aws:lambda:us-east-1:000000000000:function:thumbnail"
	tests := map[string]string{ // label and query to FunctionArn
		"thumbnail":                         arn,
		"thumbnail/":                        arn,
		"thumbnail?Qualifier=$LATEST":       arn + ":$LATEST",
		"thumbnail?Qualifier=":              arn,
		"thumbnail:1":                       arn + ":1",
		"thumbnail:1?Qualifier=1":           arn + ":1",
		"function:thumbnail":                arn,
		"000000000000:function:thumbnail":   arn,
		url.PathEscape(arn):                 arn,
		strings.ReplaceAll(arn, ":", "%3A"): arn,
		strings.ReplaceAll(arn, ":", "%3a") + "%3A%24LATEST": arn + ":$LATEST",
	}
	for target, want := range tests {
		r := b.do("GET", functions+"/"+target, "")
		configuration, _ := r.fields["Configuration"].(map[string]any)
		if r.Code != 200 || configuration["FunctionArn"] != want {
			t.Errorf("%s: %d %v, want %s", target, r.Code, configuration["FunctionArn"], want)
		}
	}
}

func TestDeleteFunction(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"Publish": true})
	if r := b.do("DELETE", functions+"/thumbnail?Qualifier=1", ""); r.Code != 204 || r.Body.Len() != 0 {
		t.Fatalf("version: %d %s", r.Code, r.Body)
	}
	if r := b.do("GET", functions+"/thumbnail:1", ""); r.Code != 404 {
		t.Errorf("the deleted version answers %d", r.Code)
	}
	if r := b.do("DELETE", functions+"/thumbnail", ""); r.Code != 204 {
		t.Fatalf("function: %d %s", r.Code, r.Body)
	}
	if len(b.memory.directory)+len(b.memory.functions) != 0 {
		t.Error("something is left")
	}
	if r := b.do("DELETE", functions+"/thumbnail", ""); r.Code != 404 || r.text() != "Function not found: arn:aws:lambda:us-east-1:000000000000:function:thumbnail" {
		t.Errorf("second delete: %d %s", r.Code, r.Body)
	}
}

func TestListFunctionsPages(t *testing.T) {
	b := newBench(t)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("f%d", i)
		b.create(map[string]any{"FunctionName": name, "Publish": i%2 == 0})
		want = append(want, name+" $LATEST")
		if i%2 == 0 {
			want = append(want, name+" 1")
		}
	}
	for size := 1; size <= 12; size++ {
		if diff := cmp.Diff(want, b.list(fmt.Sprintf("FunctionVersion=ALL&MaxItems=%d", size))); diff != "" {
			t.Errorf("pages of %d: -want +got\n%s", size, diff)
		}
		if got := b.list(fmt.Sprintf("MaxItems=%d", size)); len(got) != 7 {
			t.Errorf("pages of %d without versions: %v", size, got)
		}
	}
}

// list reads all pages.
func (b *bench) list(query string) []string {
	b.t.Helper()
	var names []string
	marker := ""
	for range 100 {
		r := b.do("GET", functions+"/?"+query+"&Marker="+marker, "")
		for _, f := range r.fields["Functions"].([]any) {
			fn := f.(map[string]any)
			if fn["State"] != nil || fn["LastUpdateStatus"] != nil {
				b.t.Errorf("a list shows states: %v", fn)
			}
			names = append(names, fn["FunctionName"].(string)+" "+fn["Version"].(string))
		}
		if r.fields["NextMarker"] == nil {
			return names
		}
		marker = r.fields["NextMarker"].(string)
	}
	b.t.Fatal("the list has no end")
	return nil
}

func TestListFunctionsIsBounded(t *testing.T) {
	b := newBench(t)
	for i := range maxList + 1 {
		b.create(map[string]any{"FunctionName": fmt.Sprintf("f%03d", i)})
	}
	r := b.do("GET", functions+"?MaxItems=10000", "")
	if n := len(r.fields["Functions"].([]any)); n != maxList || r.fields["NextMarker"] == nil {
		t.Errorf("%d functions", n)
	}
}

func TestEmptyListIsAnArray(t *testing.T) {
	if r := newBench(t).do("GET", functions, ""); r.Body.String() != `{"Functions":[]}` {
		t.Errorf("%s", r.Body)
	}
}

func TestDownloadCode(t *testing.T) {
	b := newBench(t)
	b.create(nil)
	r := b.do("GET", functions+"/thumbnail", "")
	code := r.fields["Code"].(map[string]any)
	if code["RepositoryType"] != "S3" {
		t.Errorf("repository %v", code["RepositoryType"])
	}
	link := strings.TrimPrefix(code["Location"].(string), "http://127.0.0.1:9700")
	if got := b.do("GET", link, ""); got.Code != 200 || got.Body.String() != string(goodZip()) || got.Header().Get("Content-Type") != "application/zip" {
		t.Errorf("%d, %d bytes", got.Code, got.Body.Len())
	}
	for _, bad := range []string{
		strings.Replace(link, "signature=", "signature=0", 1),
		strings.Replace(link, "expires=1", "expires=2", 1),
		strings.Replace(link, "/code/", "/code/0", 1),
		strings.Split(link, "&")[0],
	} {
		if got := b.do("GET", bad, ""); got.Code != 403 {
			t.Errorf("%s: %d", bad, got.Code)
		}
	}
	if got := send(newBench(t).Handler(), "GET", link, ""); got.Code != 403 {
		t.Errorf("another server takes the link: %d", got.Code)
	}
}

// A function may invoke and read from inside, as itself, and nothing else.
func TestHandlerFor(t *testing.T) {
	b := newBench(t)
	env := map[string]any{"Environment": map[string]any{"Variables": map[string]any{"TOKEN": "secret"}}}
	b.create(map[string]any{"FunctionName": "other", "Environment": env["Environment"]})
	b.create(map[string]any{"FunctionName": "self", "Environment": env["Environment"]})
	inside := b.HandlerFor(id("self"))
	foreign := []string{"Host", "lambent.internal"}
	if r := send(inside, "POST", functions+"/other/invocations", `{"a":1}`, foreign...); r.Code != 200 || r.Body.String() != `{"a":1}` {
		t.Errorf("invoke: %d %s", r.Code, r.Body)
	}
	if r := send(inside, "GET", functions+"/self", "", foreign...); !strings.Contains(r.Body.String(), "secret") {
		t.Errorf("own environment: %s", r.Body)
	}
	for target, secrets := range map[string]int{functions: 1, functions + "/other": 0, functions + "/other/configuration": 0} {
		r := send(inside, "GET", target, "", foreign...)
		if n := strings.Count(r.Body.String(), "secret"); r.Code != 200 || n != secrets {
			t.Errorf("%s: %d, %d secrets: %s", target, r.Code, n, r.Body)
		}
	}
	for _, try := range [][2]string{{"POST", functions}, {"DELETE", functions + "/self"}} {
		if r := send(inside, try[0], try[1], request(nil), foreign...); r.Code != 403 || r.kind() != "AccessDeniedException" {
			t.Errorf("%v: %d %s", try, r.Code, r.Body)
		}
	}
	// The scope of the signature does not move a function to another region.
	auth := "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-central-1/lambda/aws4_request, SignedHeaders=host, Signature=00"
	if r := send(inside, "GET", functions+"/self", "", "Authorization", auth); r.Code != 200 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// Over a real connection: a refused body of any size gets its refusal.
func TestTooLargeOverConnection(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	for _, chunked := range []bool{false, true} {
		body := strings.NewReader(`"` + strings.Repeat("x", lambda.MaxPayload+1<<20) + `"`)
		r, _ := http.NewRequestWithContext(t.Context(), "POST", server.URL+functions+"/f/invocations", body)
		if chunked {
			r.ContentLength = -1
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Errorf("chunked %v: %v", chunked, err)
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode != 413 {
			t.Errorf("chunked %v: %d", chunked, answer.StatusCode)
		}
	}
}

// A client that begins a body and never ends it gets its answer and is let go, whether
// the operation reads the body or not.
func TestSlowBodyOverConnection(t *testing.T) {
	b := newBench(t)
	b.bodyTimeout = 50 * time.Millisecond
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	for path, want := range map[string]int{"/f/invocations": 408, "/a%20b/invocations": 400, "/f/nothing": 404} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = fmt.Fprintf(conn, "POST %s%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{", functions, path)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != want || answer.Header.Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s: %+v, %v", path, answer, err)
		}
		_ = conn.Close()
	}
}

// GetFunction says, beside AWS's answer, where the isolation in force is emulated on this host.
func TestGetFunctionSaysWhatIsEmulated(t *testing.T) {
	b := newBench(t)
	b.create(nil)
	for tier, want := range map[string]string{"microvm": "true", "light": ""} {
		b.edit("thumbnail", func(fn *lambda.Function) { fn.Tags = map[string]string{lambda.IsolationTag: tier} })
		if got := b.do("GET", functions+"/thumbnail", "").Header().Get("X-Lambent-Emulated"); got != want {
			t.Errorf("%s: X-Lambent-Emulated is %q, want %q", tier, got, want)
		}
	}
}
