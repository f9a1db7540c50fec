package lambdaapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/code"
	"lambent.dev/lambent/internal/lambda"
)

// packageSource is where a request's package is: FunctionCode, the code members of
// UpdateFunctionCode and LayerVersionContentInput.
type packageSource struct {
	ZipFile             []byte
	S3Bucket            *string
	S3Key               *string
	S3ObjectVersion     *string
	S3ObjectStorageMode *string
	ImageUri            *string
	SourceKMSKeyArn     *string
}

// storageCopy is the S3ObjectStorageMode that Lambent has: a package is copied when it is
// named, and what becomes of the object later does not matter.
const storageCopy = "COPY"

const s3BucketPattern = `[0-9A-Za-z\.\-_]*(?<!\.)`

// s3BucketExact is the same: Go's engine knows no look-behind.
var s3BucketExact = whole(`(?:[0-9A-Za-z.\-_]*[0-9A-Za-z\-_])?`)

// validate reports what breaks the model of the API; prefix is the path to the members.
func (p *packageSource) validate(v *lambda.Violations, prefix string) {
	if p == nil {
		return
	}
	if p.S3Bucket != nil && len(*p.S3Bucket) < 3 {
		v.Length(prefix+"s3Bucket", *p.S3Bucket, 3, 63)
	} else {
		text(v, prefix+"s3Bucket", p.S3Bucket, 63, s3BucketExact, s3BucketPattern)
	}
	if p.S3Key != nil {
		v.Length(prefix+"s3Key", *p.S3Key, 1, 1024)
	}
	if p.S3ObjectVersion != nil {
		v.Length(prefix+"s3ObjectVersion", *p.S3ObjectVersion, 1, 1024)
	}
	enum(v, prefix+"s3ObjectStorageMode", p.S3ObjectStorageMode, storageCopy, "REFERENCE")
}

// checkSource refuses at once what can be told without fetching it.
func (c *call) checkSource(p *packageSource) error {
	if p.S3Bucket == nil && p.S3Key == nil && p.S3ObjectVersion == nil {
		return checkPackage(p.ZipFile)
	}
	switch {
	case len(p.ZipFile) > 0:
		return invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case p.S3Bucket == nil || p.S3Key == nil:
		return invalid("Please provide a source for function code: S3Bucket and S3Key belong together.")
	case c.Objects == nil:
		return invalid("This server takes no code from S3: its configuration names no endpoint. Set s3.endpoint (LAMBENT_S3_ENDPOINT), or send the code as ZipFile.")
	}
	return nil
}

// fetchLimit bounds the time that an object store may take to deliver a package.
const fetchLimit = 2 * time.Minute

var errFetchLimit = fmt.Errorf("fetching took longer than %v", fetchLimit)

// storeSource puts the package into the blobs, once checkSource has let it pass.
func (c *call) storeSource(p *packageSource) (lambda.Code, error) {
	if p.S3Bucket == nil {
		return c.storePackage(c.ctx(), p.ZipFile)
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx(), fetchLimit, errFetchLimit)
	defer cancel()
	object, err := c.Objects.Object(ctx, *p.S3Bucket, *p.S3Key, or(p.S3ObjectVersion, ""))
	if err != nil {
		return lambda.Code{}, c.fetchError(ctx, err)
	}
	defer func() { _ = object.Close() }() // read only
	return c.storeObject(ctx, object)
}

// storeObject copies an object and checks it where it then is: what the store holds at
// the time of the copy counts. A refused copy is left to the collection of garbage.
func (c *call) storeObject(ctx context.Context, object io.Reader) (lambda.Code, error) {
	info, err := c.Blobs.Put(ctx, object, lambda.MaxUnzipped)
	if errors.Is(err, blob.ErrTooLarge) {
		return lambda.Code{}, invalid("Unzipped size must be smaller than %d bytes", lambda.MaxUnzipped)
	}
	if err != nil {
		return lambda.Code{}, c.fetchError(ctx, err)
	}
	stored, err := c.Blobs.Open(ctx, info.Digest)
	if err != nil {
		return lambda.Code{}, err
	}
	defer func() { _ = stored.Close() }() // read only
	if err := code.Check(stored, stored.Size()); err != nil {
		return lambda.Code{}, err
	}
	return codeFrom(info), nil
}

// fetchError says what a caller may know: the object store's own refusals come worded,
// all else is between it and Lambent.
func (c *call) fetchError(ctx context.Context, err error) error {
	var refused *lambda.Error
	if errors.As(err, &refused) || c.ctx().Err() != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	return lambda.NewError(lambda.ErrService, "Lambent could not read the object from its object store; its log says why.").WithCause(err)
}
