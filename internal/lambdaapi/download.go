package lambdaapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// linkLife is how long a download link is good. Source: AWS Lambda API reference,
// GetFunction: "a link ... that's valid for 10 minutes".
const linkLife = 10 * time.Minute

// locate says where a version's package can be downloaded.
func (c *call) locate(id lambda.FunctionID, code lambda.Code) codeLocation {
	if !c.who.mayRead(id) {
		return codeLocation{RepositoryType: "S3", Error: &locationError{
			lambda.ErrAccessDenied.Name, "A function can download the code of no other function.",
		}}
	}
	return codeLocation{RepositoryType: "S3", Location: c.link(code.Digest)}
}

// link signs the address of a package.
func (c *call) link(digest string) string {
	expires := strconv.FormatInt(time.Now().Add(linkLife).Unix(), 10)
	link := url.URL{Scheme: "http", Host: c.r.Host, Path: "/_lambent/code/" + digest}
	if c.r.TLS != nil {
		link.Scheme = "https"
	}
	link.RawQuery = url.Values{"expires": {expires}, "signature": {hex.EncodeToString(c.sign(digest, expires))}}.Encode()
	return link.String()
}

// NewLinkKey returns a key for Deps.LinkKey. Servers that share one honour each other's
// links.
func NewLinkKey() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

func (s *Server) sign(digest, expires string) []byte {
	mac := hmac.New(sha256.New, s.LinkKey)
	mac.Write([]byte(digest + "\n" + expires))
	return mac.Sum(nil)
}

// downloadCode answers a link made by locate.
func downloadCode(c *call) error {
	if !c.validLink(time.Now()) {
		return lambda.NewError(lambda.ErrAccessDenied, "This link is not valid, or no longer: call GetFunction for a new one.")
	}
	blob, err := c.Blobs.Open(c.ctx(), c.labels["Digest"])
	if err != nil {
		return lambda.NewError(lambda.ErrResourceNotFound, "The code that this link names is gone.").WithCause(err)
	}
	defer func() { _ = blob.Close() }() // read only
	c.w.Header().Set("Content-Type", "application/zip")
	c.started = true
	c.w.WriteHeader(http.StatusOK)
	_, err = io.Copy(c.w, blob)
	c.logUnlessGone("sending code", err)
	return nil
}

func (c *call) validLink(now time.Time) bool {
	expires := c.query.Get("expires")
	unix, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || now.Unix() > unix {
		return false
	}
	signature, err := hex.DecodeString(c.query.Get("signature"))
	return err == nil && hmac.Equal(signature, c.sign(c.labels["Digest"], expires))
}
