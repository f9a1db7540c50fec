package lambdaapi

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzRoutes sends anything: every answer is a success with a body of its operation
// or an error in AWS's shape, never a ServiceException, and no function is lost.
func FuzzRoutes(f *testing.F) {
	for _, m := range append(append(append(badCreations(), badCalls()...), badEvents()...), badChanges()...) {
		header, value := "", ""
		if len(m.header) == 2 {
			header, value = m.header[0], m.header[1]
		}
		if len(m.body) < 4<<10 {
			f.Add(m.method, m.target, header, value, m.body)
		}
	}
	f.Add("GET", functions+"/kept", "Host", "localhost", "")
	f.Add("POST", functions, "Authorization", "Credential=a/b/us-east-1/lambda/aws4_request", request(nil))
	f.Fuzz(func(t *testing.T, method, target, header, value, body string) {
		if method == "" || strings.ContainsAny(method, " \t\r\n") || !strings.HasPrefix(target, "/") {
			t.Skip("net/http answers these itself")
		}
		b := newBench(t)
		b.create(map[string]any{"FunctionName": "kept"})
		r := b.try(method, target, header, value, body)
		if r.Code == 500 || r.Header().Get("X-Amzn-Requestid") == "" {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		if r.Code >= 400 && (r.kind() == "" || r.fields == nil) {
			t.Fatalf("%d without an error: %s", r.Code, r.Body)
		}
		if _, ok := b.memory.functions[id("kept")]; !ok && method != "DELETE" {
			t.Fatal("the function is lost")
		}
	})
}

func (b *bench) try(method, target, header, value, body string) reply {
	if header == "" {
		return b.do(method, target, body)
	}
	return b.do(method, target, body, header, value)
}

// FuzzPayload holds that whatever is not JSON is refused with a place in it, and that
// what passes is JSON that another decoder reads too.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{"{}", "n\x87r", "\x99\xeb,j", `{"a":}`, "[1,", "tru", "\"\xff\"", `{"a" "b"}`, "1e", "\n\n x", "{a}", "-", "\u00e9"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 {
			return
		}
		problem := jsonProblem(payload)
		if problem != "" && !strings.Contains(problem, "; line: ") {
			t.Errorf("%q: %q", payload, problem)
		}
		decoder := json.NewDecoder(bytes.NewReader(payload))
		decoder.UseNumber()
		var event any
		if err := decoder.Decode(&event); err != nil && problem == "" {
			t.Errorf("%q passed: %v", payload, err)
		}
	})
}
