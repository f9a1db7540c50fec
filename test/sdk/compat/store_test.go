package compat

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// objectStore is an S3 server of this run's own.
type objectStore struct{ server *httptest.Server }

func newObjectStore() *objectStore {
	return &objectStore{httptest.NewServer(gofakes3.New(s3mem.New(), gofakes3.WithAutoBucket(true)).Server())}
}

func (o *objectStore) close() { o.server.Close() }

// settings point Lambent at the store.
func (o *objectStore) settings() []string {
	return []string{
		"LAMBENT_S3_ENDPOINT=" + o.server.URL, "LAMBENT_S3_PATH_STYLE=true",
		"LAMBENT_S3_ACCESS_KEY=any", "LAMBENT_S3_SECRET_KEY=any",
	}
}

func (o *objectStore) put(bucket, key string, object []byte) error {
	r, err := http.NewRequest(http.MethodPut, o.server.URL+"/"+bucket+"/"+key, bytes.NewReader(object))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("putting %s/%s: %s", bucket, key, answer.Status)
	}
	return nil
}

// store keeps a package where a scenario will have Lambent look for it.
func (s *session) store(bucket, key string, pkg []byte) {
	s.Helper()
	if err := suite.store.put(bucket, key, pkg); err != nil {
		s.Fatal(err)
	}
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
	s.store(name, "first.zip", s.pack("index.handler", "echo.py"))
	s.store(name, "second.zip", s.pack("index.handler", "second.py"))
	see(s, "create_response_s3", s.api.CreateFunction, s.bare(name, "index.handler", "echo.py", stored(name, "first.zip")))
	s.active(name)
	see(s, "get-function-response", s.api.GetFunction, get(name))
	see(s, "update-function-response", s.api.UpdateFunctionCode,
		&lambda.UpdateFunctionCodeInput{FunctionName: &name, S3Bucket: &name, S3Key: aws.String("second.zip")})
	seeSettling(s, "get-function-response-updated", s.api.GetFunction, get(name))
}

func uploadFromStore(s *session) {
	name := s.name("<function-name:1>")
	s.store(name, "code.zip", s.pack("handler.handler", "context.py"))
	see(s, "creation-response", s.api.CreateFunction, s.bare(name, "handler.handler", "context.py", seconds(10), stored(name, "code.zip")))
	s.active(name)
	see(s, "invocation-response", s.api.Invoke, event(name, `{"foo":"bar with 'quotes\""}`))
}
