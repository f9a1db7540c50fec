package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// mismatch is AWS's text for a signature that is another.
const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// Key is a secret access key and the account that it speaks for.
type Key struct{ Account, Secret string }

// Verifier knows the keys. It is safe for concurrent use.
type Verifier struct{ keys map[string]*key }

type key struct {
	account string
	secret  string
	// signers holds a *v4.Signer by region: it keeps the key derived for the region. Only a
	// request that was right adds one, so that nobody else fills memory.
	signers sync.Map
}

// New returns a verifier of these keys, by access key id.
func New(keys map[string]Key) *Verifier {
	v := &Verifier{map[string]*key{}}
	for id, k := range keys {
		v.keys[id] = &key{account: k.Account, secret: k.Secret}
	}
	return v
}

// Verify says whether the claim holds for the request and its whole body. The error is
// AWS's, and does not say what differs.
func (c *Claim) Verify(r *http.Request, body []byte) error {
	again, err := c.again(r)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	held, kept := c.key.signers.Load(c.Region)
	if !kept {
		held = v4.NewSigner()
	}
	if err := c.sign(r.Context(), held.(*v4.Signer), again, hex.EncodeToString(sum[:])); err != nil {
		return err
	}
	if !c.sameAs(again.Header.Get("Authorization")) {
		return invalid("%s", mismatch)
	}
	if !kept {
		c.key.signers.Store(c.Region, held)
	}
	return nil
}

func (c *Claim) sign(ctx context.Context, s *v4.Signer, again *http.Request, payload string) error {
	credentials := aws.Credentials{AccessKeyID: c.accessKey, SecretAccessKey: c.key.secret}
	if err := s.SignHTTP(ctx, credentials, again, payload, service, c.Region, c.at); err != nil {
		return fmt.Errorf("signing a request again: %w", err)
	}
	return nil
}

// sameAs compares the signatures, and that the signer signed neither more nor fewer headers.
func (c *Claim) sameAs(authorization string) bool {
	made, err := parse(authorization)
	return err == nil && hmac.Equal(made.signature, c.signature) &&
		strings.Join(made.signed, ";") == strings.Join(c.signed, ";")
}

// again is the request as far as the client says it has signed it. A header that is signed
// and did not come makes another signature.
func (c *Claim) again(r *http.Request) (*http.Request, error) {
	u := *r.URL
	again := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: make(http.Header, len(c.signed)+1)}
	for _, name := range c.signed {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			values := r.Header[http.CanonicalHeaderKey(name)]
			if len(values) == 0 {
				return nil, invalid("%s", mismatch)
			}
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return again, nil
}
