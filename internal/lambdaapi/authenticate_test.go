package lambdaapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sigv4"
)

// Access keys of two accounts.
const (
	ourKey   = "AKIDOFTHEDEFAULT0000"
	theirKey = "AKIDOFTHEOTHERS00000"
)

var keys = map[string]sigv4.Key{
	ourKey:   {Account: "000000000000", Secret: "secret of the default account"},
	theirKey: {Account: theirs, Secret: "secret of the other account"},
}

// signedBy returns a handler that signs requests with a key, as AWS's SDK does.
func signedBy(key string) func(http.Handler) http.Handler {
	return signedWith(key, keys[key].Secret)
}

func signedWith(key, secret string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(err)
			}
			sum := sha256.Sum256(body)
			who := aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}
			if err := v4.NewSigner().SignHTTP(r.Context(), who, r, hex.EncodeToString(sum[:]), "lambda", "us-east-1", time.Now()); err != nil {
				panic(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			h.ServeHTTP(w, r)
		})
	}
}

// No operation is done for somebody who has not signed: with no signature, with one of an unknown
// key, with a known key and another secret, or with a signature of another body.
func TestNobodyReachesAnAccountUnsigned(t *testing.T) {
	tampered := func(h http.Handler) http.Handler {
		return signedBy(theirKey)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(r.Body, strings.NewReader(" ")))
			h.ServeHTTP(w, r)
		}))
	}
	for name, c := range map[string]struct {
		signer func(http.Handler) http.Handler
		want   string
	}{
		"unsigned":      {nil, "MissingAuthenticationTokenException"},
		"unknown key":   {signedWith("AKIDOFNOBODY00000000", keys[theirKey].Secret), "UnrecognizedClientException"},
		"wrong secret":  {signedWith(theirKey, keys[ourKey].Secret), "InvalidSignatureException"},
		"tampered body": {tampered, "InvalidSignatureException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, owner := twoAccounts(t)
			before := holdings(owner.memory, theirs)
			stranger := *owner
			stranger.signer = c.signer
			for _, a := range attempts() {
				if r := a.by(&stranger, arnsOf(theirs, "secret")); r.Code != http.StatusForbidden || r.kind() != c.want {
					t.Errorf("%s: %d %s", a.operation, r.Code, r.Body)
				}
			}
			for _, target := range []string{functions, providersPath, "/2016-08-19/account-settings"} {
				if r := stranger.do("GET", target, ""); r.Code != http.StatusForbidden || r.kind() != c.want {
					t.Errorf("%s: %d %s", target, r.Code, r.Body)
				}
			}
			if diff := cmp.Diff(before, holdings(owner.memory, theirs)); diff != "" {
				t.Errorf("changed:\n%s", diff)
			}
		})
	}
}

// The limit of a body that is read to be verified is the one that its operation has.
func TestBodyIsBoundedBeforeItIsVerified(t *testing.T) {
	mine, _ := twoAccounts(t)
	r := mine.do("POST", functions+"/secret/invocations", strings.Repeat("x", lambda.MaxPayload+1))
	if r.Code != http.StatusRequestEntityTooLarge || !strings.Contains(r.text(), "InvokeFunction") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := mine.do("PUT", functions+"/secret/configuration", strings.Repeat("x", maxRequest+1)); r.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// A link to code carries its right in itself, for a while, for one package; nothing else does.
func TestLinkNeedsNoSignature(t *testing.T) {
	_, owner := twoAccounts(t)
	var found struct{ Code struct{ Location string } }
	owner.do("GET", functions+"/secret", "").into(t, &found)
	link, err := url.Parse(found.Code.Location)
	if err != nil {
		t.Fatal(err)
	}
	stranger := *owner
	stranger.signer = nil
	if r := stranger.do("GET", link.RequestURI(), ""); r.Code != http.StatusOK {
		t.Errorf("the link: %d %s", r.Code, r.Body)
	}
	forged := strings.Replace(link.RequestURI(), "expires=", "expires=9", 1)
	if r := stranger.do("GET", forged, ""); r.kind() != "AccessDeniedException" {
		t.Errorf("a link with a longer life: %d %s", r.Code, r.Body)
	}
}

// A function speaks for itself, in its own account, whatever it signs: nothing of another's is in
// its reach, and no key is needed for its own.
func TestFunctionStaysInItsAccount(t *testing.T) {
	mine, other := twoAccounts(t)
	mine.create(map[string]any{"FunctionName": "self"})
	inside := mine.HandlerFor(id("self"))
	stolen, theirARN := signedBy(theirKey)(inside), url.PathEscape(arnsOf(theirs, "secret").fn)
	for name, h := range map[string]http.Handler{"unsigned": inside, "with another account's key": stolen} {
		if r := send(h, "GET", functions+"/self", ""); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), ":000000000000:") {
			t.Errorf("itself, %s: %d %s", name, r.Code, r.Body)
		}
		for _, try := range [][3]string{
			{"GET", functions + "/secret", "ResourceNotFoundException"},
			{"GET", functions + "/" + theirARN, "AccessDeniedException"},
			{"POST", functions + "/" + theirARN + "/invocations", "AccessDeniedException"},
		} {
			if r := send(h, try[0], try[1], "{}"); r.kind() != try[2] {
				t.Errorf("%v, %s: %d %s", try, name, r.Code, r.Body)
			}
		}
	}
	if r := other.do("POST", functions+"/secret/invocations", "{}"); r.Code != http.StatusOK {
		t.Errorf("the owner: %d %s", r.Code, r.Body)
	}
}

// Each account has a limit, a default and a floor of its own.
func TestAccountsHaveTheirOwnRules(t *testing.T) {
	mine, other := twoAccounts(t)
	mine.Rules = map[string]lambda.AccountRule{
		theirs: {Isolation: lambda.Isolation{Default: lambda.TierGVisor, Floor: lambda.TierGVisor}, Concurrency: 7},
	}
	weak := request(map[string]any{"FunctionName": "same", "Tags": map[string]any{"lambent:isolation": "light"}})
	if r := other.do("POST", functions, weak); r.kind() != "InvalidParameterValueException" || !strings.Contains(r.text(), "floor") {
		t.Errorf("below the floor: %d %s", r.Code, r.Body)
	}
	if r := mine.do("POST", functions, weak); r.Code != http.StatusCreated {
		t.Errorf("in an account without a floor: %d %s", r.Code, r.Body)
	}
	for _, c := range []struct {
		who   *bench
		limit int
		tier  string
		name  string
	}{{mine, 1000, "light", "same"}, {other, 7, "gvisor", "secret"}} {
		if got := c.who.settings().AccountLimit.ConcurrentExecutions; got != c.limit {
			t.Errorf("limit %d, want %d", got, c.limit)
		}
		var found struct{ Tags map[string]string }
		c.who.do("GET", functions+"/"+c.name, "").into(t, &found)
		if found.Tags[lambda.InForceTag] != c.tier {
			t.Errorf("%v, want %s", found.Tags, c.tier)
		}
	}
}

func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body.Bytes(), v); err != nil || r.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", r.Code, r.Body, err)
	}
}
