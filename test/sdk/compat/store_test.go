package compat

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// objectStore is an S3 of one machine and one use: what was put is what is got.
type objectStore struct {
	server *httptest.Server

	// mu guards objects.
	mu      sync.Mutex
	objects map[string][]byte // by "/bucket/key"
}

func newObjectStore() *objectStore {
	o := &objectStore{objects: make(map[string][]byte)}
	o.server = httptest.NewServer(o)
	return o
}

func (o *objectStore) close() { o.server.Close() }

// settings are the variables that point Lambent here.
func (o *objectStore) settings() []string {
	return []string{"LAMBENT_S3_ENDPOINT=" + o.server.URL, "LAMBENT_S3_PATH_STYLE=true"}
}

func (o *objectStore) put(bucket, key string, object []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.objects["/"+bucket+"/"+key] = object
}

func (o *objectStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	object, ok := o.objects[r.URL.Path]
	o.mu.Unlock()
	if !ok {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"))
		return
	}
	_, _ = bytes.NewReader(object).WriteTo(w)
}

func storeScenarios() []scenario {
	return []scenario{
		{
			recording: "TestLambdaFunction::test_lambda_code_location_s3", perform: codeFromStore,
			note: "the read after the update may meet the state that follows it",
		},
		{recording: "TestLambdaFeatures::test_upload_lambda_from_s3", perform: uploadFromStore},
	}
}

func stored(bucket, key string) change {
	return func(in *lambda.CreateFunctionInput) {
		in.Code = &types.FunctionCode{S3Bucket: aws.String(bucket), S3Key: aws.String(key)}
	}
}

func codeFromStore(s *session) {
	name := s.name("<function-name:1>")
	suite.store.put(name, "first.zip", s.pack("index.handler", "echo.py"))
	suite.store.put(name, "second.zip", s.pack("index.handler", "second.py"))
	see(s, "create_response_s3", s.api.CreateFunction, s.bare(name, "index.handler", "echo.py", stored(name, "first.zip")))
	s.active(name)
	see(s, "get-function-response", s.api.GetFunction, get(name))
	see(s, "update-function-response", s.api.UpdateFunctionCode,
		&lambda.UpdateFunctionCodeInput{FunctionName: &name, S3Bucket: &name, S3Key: aws.String("second.zip")})
	seeSettling(s, "get-function-response-updated", s.api.GetFunction, get(name))
}

func uploadFromStore(s *session) {
	name := s.name("<function-name:1>")
	suite.store.put(name, "code.zip", s.pack("handler.handler", "context.py"))
	see(s, "creation-response", s.api.CreateFunction, s.bare(name, "handler.handler", "context.py", seconds(10), stored(name, "code.zip")))
	s.active(name)
	see(s, "invocation-response", s.api.Invoke, event(name, `{"foo":"bar with 'quotes\""}`))
}
