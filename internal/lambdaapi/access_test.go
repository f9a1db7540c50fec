package lambdaapi

import (
	"strings"
	"testing"
)

func TestAccess(t *testing.T) {
	b := newBench(t, func(d *Deps) { d.Hosts = []string{"lambent.internal", "10.1.2.3"} })
	tests := []struct {
		header []string
		ok     bool
	}{
		{[]string{"Host", "127.0.0.1:9700"}, true},
		{[]string{"Host", "127.8.9.1"}, true},
		{[]string{"Host", "localhost:9700"}, true},
		{[]string{"Host", "LOCALHOST:9700"}, true},
		{[]string{"Host", "abc.lambda-url.us-east-1.localhost:9700"}, true},
		{[]string{"Host", "[::1]:9700"}, true},
		{[]string{"Host", "[::1]"}, true},
		{[]string{"Host", "[::ffff:127.0.0.1]:80"}, true},
		{[]string{"Host", "lambent.internal:9700"}, true},
		{[]string{"Host", "10.1.2.3"}, true},
		// DNS rebinding: the page's own name, now pointing here.
		{[]string{"Host", "evil.example"}, false},
		{[]string{"Host", "evil.example:9700"}, false},
		{[]string{"Host", "localhost.evil.example"}, false},
		{[]string{"Host", "127.0.0.1.evil.example"}, false},
		{[]string{"Host", "notlocalhost"}, false},
		{[]string{"Host", "192.168.1.4:9700"}, false},
		{[]string{"Host", "0.0.0.0:9700"}, false},
		{[]string{"Host", "[::]:9700"}, false},
		{[]string{"Host", "2130706433"}, false},
		{[]string{"Host", ""}, false},
		// A page of somebody else, posting here.
		{[]string{"Origin", "https://evil.example"}, false},
		{[]string{"Origin", "null"}, false},
		{[]string{"Origin", ""}, false},
		{[]string{"Origin", "http://127.0.0.1:3000"}, false},
		{[]string{"Origin", "http://localhost:9700"}, false},
		{[]string{"Origin", "http://127.0.0.1:9700"}, true},
		{[]string{"Origin", "http://127.0.0.1:9700", "Origin", "https://evil.example"}, false},
		{[]string{"Sec-Fetch-Site", "cross-site"}, false},
		{[]string{"Sec-Fetch-Site", "same-site"}, false},
		{[]string{"Sec-Fetch-Site", "same-origin"}, true},
		{[]string{"Sec-Fetch-Site", "none"}, true},
	}
	for _, tt := range tests {
		for _, try := range [][2]string{{"GET", functions}, {"POST", functions + "/f/invocations"}, {"GET", "/unknown"}} {
			r := b.do(try[0], try[1], "{}", tt.header...)
			if refused := r.kind() == "AccessDeniedException"; refused == tt.ok {
				t.Errorf("%s %s %q: %d %s", try[0], try[1], tt.header, r.Code, r.Body)
			}
			if r.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Error("CORS is answered")
			}
		}
	}
}

func TestScopeRegion(t *testing.T) {
	scope := func(region string) string {
		return "AWS4-HMAC-SHA256 Credential=AKID/20260102/" + region + "/lambda/aws4_request, SignedHeaders=host, Signature=00"
	}
	tests := map[string]string{
		scope("eu-central-1"):  "eu-central-1",
		scope("us-gov-west-1"): "us-gov-west-1",
		scope(""):              "",
		scope("../../x"):       "",
		scope("us-east-1\n"):   "",
		"Bearer x":             "",
		"Credential=":          "",
		"":                     "",
		scope("eu-central-1") + strings.Repeat(" ", 8<<10): "",
	}
	for header, want := range tests {
		if got := scopeRegion(header); got != want {
			t.Errorf("%.80q: %q, want %q", header, got, want)
		}
	}
}

func TestRegionOfScopeIsUsed(t *testing.T) {
	b := newBench(t)
	auth := "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-central-1/lambda/aws4_request, SignedHeaders=host, Signature=00"
	r := b.do("POST", functions, request(nil), "Authorization", auth)
	if r.fields["FunctionArn"] != "arn:aws:lambda:eu-central-1:000000000000:function:thumbnail" {
		t.Errorf("%s", r.Body)
	}
	if r := b.do("GET", functions+"/thumbnail", ""); r.Code != 404 {
		t.Errorf("another region sees the function: %d", r.Code)
	}
}
