package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"lambent.dev/lambent/internal/lambda"
)

const id, secret = "AKIDEXAMPLE000000000", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

var now = time.Date(2026, 11, 26, 1, 0, 0, 0, time.UTC)

func verifier() *Verifier { return New(map[string]Key{id: {"111111111111", secret}}) }

const target = "http://127.0.0.1:9700/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A111111111111%3Afunction%3Af/invocations?Qualifier=a&b=c%20d"

// signed is a request as AWS's SDK signs it.
func signed(t testing.TB, body []byte, at time.Time, service string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = r.URL.Host
	r.Header.Set("X-Amz-Invocation-Type", "Event")
	sum := sha256.Sum256(body)
	who := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), who, r, hex.EncodeToString(sum[:]), service, "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

func check(v *Verifier, r *http.Request, body []byte) (Claim, error) {
	c, err := v.Claim(r.Header, now)
	if err != nil {
		return c, err
	}
	return c, c.Verify(r, body)
}

func TestSignatureOfTheSDKHolds(t *testing.T) {
	v := verifier()
	for range 2 { // the second with the key that the first derived
		r := signed(t, []byte(`{"a":1}`), now.Add(-14*time.Minute), service)
		r.Header.Set("X-Forwarded-For", "a proxy may add what nobody signed")
		c, err := check(v, r, []byte(`{"a":1}`))
		if err != nil || c.Account != "111111111111" || c.Region != "eu-west-1" {
			t.Fatalf("%+v %v", c, err)
		}
	}
}

func TestWhatIsChangedIsRefused(t *testing.T) {
	authorization := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			was := r.Header.Get("Authorization")
			r.Header.Set("Authorization", strings.Replace(was, old, new, 1))
		}
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   *lambda.ErrorKind
		text   string
	}{
		"method":          {func(r *http.Request) { r.Method = "PUT" }, lambda.ErrInvalidSignature, "does not match"},
		"path":            {func(r *http.Request) { r.URL.RawPath, r.URL.Path = "", "/other" }, lambda.ErrInvalidSignature, "does not match"},
		"query":           {func(r *http.Request) { r.URL.RawQuery += "&c=d" }, lambda.ErrInvalidSignature, "does not match"},
		"host":            {func(r *http.Request) { r.Host = "elsewhere" }, lambda.ErrInvalidSignature, "does not match"},
		"header":          {func(r *http.Request) { r.Header.Set("X-Amz-Invocation-Type", "DryRun") }, lambda.ErrInvalidSignature, "does not match"},
		"header twice":    {func(r *http.Request) { r.Header.Add("X-Amz-Invocation-Type", "Event") }, lambda.ErrInvalidSignature, "does not match"},
		"header gone":     {func(r *http.Request) { r.Header.Del("X-Amz-Invocation-Type") }, lambda.ErrInvalidSignature, "does not match"},
		"region":          {authorization("eu-west-1", "us-east-1"), lambda.ErrInvalidSignature, "does not match"},
		"no region":       {authorization("eu-west-1", "here"), lambda.ErrInvalidSignature, "valid region"},
		"scope's service": {authorization("/lambda/", "/s3/"), lambda.ErrInvalidSignature, "correct service: 'lambda'"},
		"scope's date":    {authorization("/20261126/", "/20261125/"), lambda.ErrInvalidSignature, "does not match YYYYMMDD"},
		"scope's end":     {authorization("aws4_request", "aws5_request"), lambda.ErrInvalidSignature, "terminator"},
		"short scope":     {authorization("/eu-west-1", ""), lambda.ErrIncompleteSignature, "5 slash-delimited"},
		"long scope":      {authorization("aws4_request", "aws4_request/x"), lambda.ErrIncompleteSignature, "5 slash-delimited"},
		"unknown key":     {authorization(id, "AKIDNOBODY0000000000"), lambda.ErrUnrecognizedClient, "security token"},
		"session token":   {func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "t") }, lambda.ErrUnrecognizedClient, "security token"},
		"unsigned host":   {authorization("host;", ""), lambda.ErrInvalidSignature, "must be 'SignedHeaders'"},
		"unsigned date":   {authorization(";x-amz-date", ""), lambda.ErrInvalidSignature, "must be 'SignedHeaders'"},
		"upper case":      {authorization("invocation-type", "invocation-typE"), lambda.ErrIncompleteSignature, "lower case"},
		"unsorted":        {authorization("host;x-amz-date", "x-amz-date;host"), lambda.ErrIncompleteSignature, "sorted"},
		"too long":        {authorization("Signature=", strings.Repeat(" ", 4<<10)+"Signature="), lambda.ErrIncompleteSignature, "at most 4096 bytes"},
		"unsigned header": {authorization(";x-amz-invocation-type", ""), lambda.ErrInvalidSignature, "does not match"},
		"no signature":    {authorization("Signature=", "Sig="), lambda.ErrIncompleteSignature, "requires 'Signature'"},
		"other algorithm": {authorization("SHA256", "SHA1"), lambda.ErrIncompleteSignature, "algorithm"},
		"part twice":      {authorization("Signature=", "Credential=x, Signature="), lambda.ErrIncompleteSignature, "twice"},
		"no date":         {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, lambda.ErrIncompleteSignature, "X-Amz-Date"},
		"another date":    {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261126T010001Z") }, lambda.ErrInvalidSignature, "does not match the signature"},
		"none":            {func(r *http.Request) { r.Header.Del("Authorization") }, lambda.ErrMissingAuthenticationToken, "Missing"},
		"two":             {func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, lambda.ErrIncompleteSignature, "not one"},
	} {
		t.Run(name, func(t *testing.T) {
			r := signed(t, []byte("{}"), now, service)
			c.change(r)
			_, err := check(verifier(), r, []byte("{}"))
			refused(t, err, c.want, c.text)
		})
	}
}

// A key speaks for its own account, and only with its own secret.
func TestKeyIsOfOneAccount(t *testing.T) {
	const other = "AKIDOTHER00000000000"
	r := signed(t, nil, now, service)
	both := New(map[string]Key{id: {"222222222222", secret}, other: {"333333333333", "another secret"}})
	if c, err := check(both, r, nil); err != nil || c.Account != "222222222222" {
		t.Errorf("%+v %v", c, err)
	}
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), id, other, 1))
	_, err := check(both, r, nil)
	refused(t, err, lambda.ErrInvalidSignature, "does not match")
}

func refused(t *testing.T, err error, want *lambda.ErrorKind, text string) {
	t.Helper()
	var is *lambda.Error
	if !errors.As(err, &is) || is.Kind != want || is.Kind.Status != http.StatusForbidden || !strings.Contains(is.Message, text) {
		t.Errorf("%v, want %s: … %s …", err, want.Name, text)
	}
}

func TestBodyAndServiceAreSigned(t *testing.T) {
	_, err := check(verifier(), signed(t, []byte("{}"), now, service), []byte("{} "))
	refused(t, err, lambda.ErrInvalidSignature, "does not match")
	_, err = check(verifier(), signed(t, []byte("{}"), now, "s3"), []byte("{}"))
	refused(t, err, lambda.ErrInvalidSignature, "correct service")
}

// A signature of 15 minutes ago is no longer one, nor is one of later than in 15 minutes.
func TestOldSignatureIsRefused(t *testing.T) {
	_, err := check(verifier(), signed(t, nil, now.Add(-15*time.Minute-time.Second), service), nil)
	refused(t, err, lambda.ErrInvalidSignature, "Signature expired: 20261126T004459Z is now earlier than 20261126T004500Z (20261126T010000Z - 15 min.)")
	_, err = check(verifier(), signed(t, nil, now.Add(15*time.Minute+time.Second), service), nil)
	refused(t, err, lambda.ErrInvalidSignature, "Signature not yet current: 20261126T011501Z is still later than 20261126T011500Z (20261126T010000Z + 15 min.)")
}

// FuzzAuthorization sends any header: it is refused in AWS's words, or it is the one that was signed.
func FuzzAuthorization(f *testing.F) {
	r := signed(f, nil, now, service)
	right := r.Header.Get("Authorization")
	for _, seed := range []string{right, right + ",", algorithm + " ", algorithm + " =,=", strings.ReplaceAll(right, ";", ";;"), strings.Replace(right, "host", "HOST", 1)} {
		f.Add(seed)
	}
	want, err := parse(right)
	if err != nil {
		f.Fatal(err)
	}
	v := verifier()
	f.Fuzz(func(t *testing.T, header string) {
		r := signed(t, nil, now, service)
		r.Header.Set("Authorization", header)
		_, err := check(v, r, nil)
		var is *lambda.Error
		if err != nil && (!errors.As(err, &is) || is.Kind.Status != http.StatusForbidden) {
			t.Fatalf("%q: %v", header, err)
		}
		if got, _ := parse(header); err == nil && !bytes.Equal(got.signature, want.signature) {
			t.Fatalf("%q passes", header)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	v, r, body := verifier(), signed(b, []byte("{}"), now, service), []byte("{}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := check(v, r, body); err != nil {
			b.Fatal(err)
		}
	}
}
