package lambdaapi

import (
	"errors"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// nothing is what there is to release where nothing is held.
func nothing() {}

// authenticate finds out whose request it is, where requests have to be signed: a claim that names
// a known key, the body within the operation's limit, the signature of both. Until then the
// caller has no account. A function's own calls come through its sandbox and need no
// signature; a link to code carries its right in itself.
func (c *call) authenticate() (release func(), err error) {
	if c.Verifier == nil || c.who.function != nil || c.operation == "DownloadCode" {
		return nothing, nil
	}
	claim, err := c.Verifier.Claim(c.r.Header, time.Now())
	if err != nil {
		return nil, err
	}
	if release, err = c.readSigned(); err != nil {
		return nil, err
	}
	if err := claim.Verify(c.r, c.signedBody); err != nil {
		release()
		return nil, err
	}
	c.who = caller{account: claim.Account, region: claim.Region}
	return release, nil
}

// readSigned reads the body; of few at once where it can be large.
func (c *call) readSigned() (release func(), err error) {
	limit, name := bodyLimit(c.operation)
	release = nothing
	if limit == lambda.MaxCreateBody {
		if release, err = c.admitUpload(); err != nil {
			return nil, err
		}
	}
	body, err := c.body(limit)
	if err != nil {
		release()
		if errors.Is(err, errBodyTooLarge) {
			err = errTooLarge(limit, name)
		}
		return nil, err
	}
	if c.signedBody = body; body == nil {
		c.signedBody = []byte{}
	}
	return release, nil
}

// bodyLimit is the limit that the operation's handler has, in bytes, and AWS's name of the
// operation in what says so.
func bodyLimit(operation string) (limit int64, name string) {
	switch operation {
	case "Invoke":
		return lambda.MaxPayload, "InvokeFunction"
	case "CreateFunction", "UpdateFunctionCode", "PublishLayerVersion":
		return lambda.MaxCreateBody, operation
	}
	return maxRequest, operation
}
