package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"lambent.dev/lambent/internal/lambda"
)

// serve starts an S3-compatible server on loopback with a bucket in which versions are kept.
func serve(t *testing.T) *Store {
	t.Helper()
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	s := New(Options{Endpoint: server.URL, Region: "us-east-1", AccessKey: "key", SecretKey: "secret", PathStyle: true})
	if _, err := s.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("packages")}); err != nil {
		t.Fatal(err)
	}
	_, err := s.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String("packages"), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Store) put(t *testing.T, key, content string) (version string) {
	t.Helper()
	out, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("packages"), Key: aws.String(key), Body: bytes.NewReader([]byte(content)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

func (s *Store) read(t *testing.T, key, version string) string {
	t.Helper()
	object, err := s.Object(t.Context(), "packages", key, version)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(object)
	if err := errors.Join(err, object.Close()); err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestObject(t *testing.T) {
	s := serve(t)
	const key = "team a/ünï+code.zip"
	first := s.put(t, key, "first")
	s.put(t, key, "second")
	if first == "" {
		t.Fatal("the server keeps no versions")
	}
	if got := s.read(t, key, ""); got != "second" {
		t.Errorf("newest = %q", got)
	}
	if got := s.read(t, key, first); got != "first" {
		t.Errorf("by version = %q", got)
	}
}

func TestRefusals(t *testing.T) {
	s := serve(t)
	for _, c := range []struct{ bucket, key, want string }{
		{"packages", "none", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "},
		{"nobodys", "none", "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: "},
	} {
		_, err := s.Object(t.Context(), c.bucket, c.key, "")
		var refused *lambda.Error
		if !errors.As(err, &refused) || refused.Kind != lambda.ErrInvalidParameterValue || !strings.HasPrefix(refused.Message, c.want) {
			t.Errorf("%s/%s: %v, want %s", c.bucket, c.key, err, c.want)
		}
	}
}

// answer stands for object stores that misbehave.
func answer(t *testing.T, status int, body string, header ...string) *Store {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return New(Options{Endpoint: server.URL, Region: "us-east-1", PathStyle: true})
}

func TestDenied(t *testing.T) {
	s := answer(t, 403, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
	_, err := s.Object(t.Context(), "packages", "k", "")
	const want = "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for packages/k. " +
		"S3 Error Code: AccessDenied. S3 Error Message: Access Denied"
	var refused *lambda.Error
	if !errors.As(err, &refused) || refused.Kind != lambda.ErrAccessDenied || refused.Message != want {
		t.Errorf("err = %v, want %s", err, want)
	}
}

// What is wrong with the object store is not the caller's fault and not told in its words.
func TestFailures(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("a redirect was followed")
		w.WriteHeader(http.StatusOK)
	}))
	defer elsewhere.Close()
	gone := answer(t, 200, "")
	for name, s := range map[string]*Store{
		"broken":  answer(t, 501, `<Error><Code>NotImplemented</Code><Message>internal: 10.0.0.7</Message></Error>`),
		"nothing": New(Options{Endpoint: "http://127.0.0.1:1", Region: "us-east-1", PathStyle: true}),
	} {
		_, err := s.Object(t.Context(), "packages", "k", "")
		var refused *lambda.Error
		if err == nil || errors.As(err, &refused) {
			t.Errorf("%s: %v, want an error that is not the caller's", name, err)
		}
	}
	if _, err := answer(t, 307, "", "Location", elsewhere.URL).Object(t.Context(), "packages", "k", ""); err == nil {
		t.Error("a redirect is an object")
	}
	long := strings.Repeat("<x>ü", 10_000)
	_, err := answer(t, 400, `<Error><Code>Odd</Code><Message><![CDATA[`+long+`]]></Message></Error>`).Object(t.Context(), "packages", "k", "")
	var refused *lambda.Error
	if !errors.As(err, &refused) || len(refused.Message) > 1024 {
		t.Errorf("a long text is passed on whole: %.100v", err)
	}
	if object, err := gone.Object(t.Context(), "packages", "k", ""); err != nil {
		t.Error(err)
	} else {
		_ = object.Close()
	}
}
