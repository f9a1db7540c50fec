package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"lambent.dev/lambent/internal/lambda"
)

// headLimit bounds the wait for the first byte of an answer.
const headLimit = 20 * time.Second

// Options say where the object store is and how to speak to it.
type Options struct {
	Endpoint  string // http:// or https:// URL
	Region    string
	AccessKey string // "" with SecretKey = requests are not signed
	SecretKey string
	PathStyle bool // the bucket in the path and not in the host's name
}

// Store reads objects. It is safe for concurrent use.
type Store struct{ client *s3.Client }

// New returns a store. It does not look whether the endpoint answers.
func New(o Options) *Store {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = headLimit
	return &Store{s3.New(s3.Options{
		Region: o.Region, BaseEndpoint: aws.String(o.Endpoint), UsePathStyle: o.PathStyle, Credentials: o.credentials(),
		HTTPClient: &http.Client{Transport: transport, CheckRedirect: stay},
	})}
}

// stay follows no redirect: the owner named one endpoint.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (o *Options) credentials() aws.CredentialsProvider {
	if o.AccessKey == "" && o.SecretKey == "" {
		return aws.AnonymousCredentials{}
	}
	keys := aws.Credentials{AccessKeyID: o.AccessKey, SecretAccessKey: o.SecretKey, Source: "the server's configuration"}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil })
}

// Object opens an object, of its newest version where version is "". The caller closes it;
// ctx bounds the reading, too. What the object store refuses is a *lambda.Error in AWS's
// words; other errors are of the way there.
func (s *Store) Object(ctx context.Context, bucket, key, version string) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)}
	if version != "" {
		in.VersionId = aws.String(version)
	}
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		return nil, explain(bucket, key, err)
	}
	return out.Body, nil
}

// explain tells a refusal, which the caller can do something about, from a failure.
// Source of the texts: answers of Lambda.
func explain(bucket, key string, err error) error {
	var refused smithy.APIError
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &refused) || errors.As(err, &response) && response.HTTPStatusCode() >= 500 {
		return fmt.Errorf("reading object %q of bucket %q: %w", key, bucket, err)
	}
	code, message := short(refused.ErrorCode()), short(refused.ErrorMessage())
	if code == "AccessDenied" {
		return lambda.NewError(lambda.ErrAccessDenied, "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. "+
			"S3 Error Code: %s. S3 Error Message: %s", bucket, key, code, message).WithCause(err)
	}
	return lambda.NewError(lambda.ErrInvalidParameterValue,
		"Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, message).WithCause(err)
}

// short bounds a text of the object store that is passed on, in bytes.
func short(s string) string {
	const most = 512
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}
