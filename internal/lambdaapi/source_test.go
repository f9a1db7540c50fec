package lambdaapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// objects is an object store in memory; what is missing is refused, a nil object breaks.
type objects map[string][]byte

func (o objects) Object(_ context.Context, bucket, key, version string) (io.ReadCloser, error) {
	content, ok := o[strings.Join([]string{bucket, key, version}, "/")]
	switch {
	case !ok:
		return nil, lambda.NewError(lambda.ErrInvalidParameterValue, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: none")
	case content == nil:
		return nil, errors.New("dial tcp 10.0.0.7:9000: connection refused")
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func s3Code(key string) map[string]any { return map[string]any{"S3Bucket": "packages", "S3Key": key} }

func withObjects(o objects) func(*Deps) { return func(d *Deps) { d.Objects = o } }

// Each operation that takes a package takes it from an object store, too.
func TestCodeFromAnObjectStore(t *testing.T) {
	b := newBench(t, withObjects(objects{"packages/a.zip/": goodZip(), "packages/b.zip/v7": zipOf("b.py")}))
	b.run()
	b.create(map[string]any{"Code": s3Code("a.zip")})
	if got := b.settled().fields["CodeSize"]; got != float64(len(goodZip())) {
		t.Errorf("created with %v bytes", got)
	}
	versioned := s3Code("b.zip")
	versioned["S3ObjectVersion"] = "v7"
	dry := s3Code("b.zip")
	dry["S3ObjectVersion"], dry["DryRun"] = "v7", true
	for _, send := range []map[string]any{dry, versioned} {
		if r := b.put("thumbnail/code", send); r.Code != 200 || r.fields["CodeSize"] != float64(len(zipOf("b.py"))) {
			t.Errorf("updated: %d %s", r.Code, r.Body)
		}
	}
	b.settled()
	b.publishLayer("l", map[string]any{"Content": s3Code("a.zip")})
}

func TestObjectStoreFails(t *testing.T) {
	b := newBench(t, withObjects(objects{"packages/broken/": nil, "packages/text/": []byte("no zip"), "packages/out/": zipOf("../x"), "packages/empty/": {}}))
	for key, want := range map[string]struct {
		status     int
		kind, text string
	}{
		"none":   {400, parameter, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: none"},
		"broken": {500, "ServiceException", "Lambent could not read the object from its object store; its log says why."},
		"text":   {400, parameter, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"out":    {400, parameter, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"empty":  {400, parameter, "Uploaded file must be a non-empty zip"},
	} {
		wantRefusal(t, b.do("POST", functions, request(map[string]any{"Code": s3Code(key)})), want.status, want.kind, want.text)
	}
	if r := b.do("GET", functions+"/thumbnail", ""); r.Code != http.StatusNotFound {
		t.Errorf("a function was made of a bad object: %d", r.Code)
	}
}

// endless is an object without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestObjectIsBounded(t *testing.T) {
	b := newBench(t)
	b.Blobs = bounded{b.Blobs}
	c := &call{Server: b.Server, r: httptestRequest(t)}
	if _, err := c.storeObject(t.Context(), endless{}); err == nil || !strings.Contains(err.Error(), "Unzipped size must be smaller than 262144000 bytes") {
		t.Errorf("err = %v", err)
	}
}
