package move

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// configured is a configuration with the fields that AWS answers with, as recorded of the service
// (test/sdk/compat/testdata), some of which Lambent has no use for.
func configured(version, sha string) string {
	return fmt.Sprintf(`{"Architectures":["arm64"],"CodeSha256":%q,"CodeSize":262,"Description":"v","EphemeralStorage":{"Size":1024},
		"Environment":{"Variables":{"ENV_A":"a"}},"FunctionArn":"arn:aws:lambda:eu-west-1:111111111111:function:shop","FunctionName":"shop",
		"KMSKeyArn":"arn:aws:kms:eu-west-1:111111111111:key/k","SigningProfileVersionArn":"arn:aws:signer:eu-west-1:111111111111:/signing-profiles/p/v",
		"Handler":"index.handler","LastModified":"2026-03-23T10:00:00.000+0000","LastUpdateStatus":"Successful",
		"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/shop"},"MemorySize":256,"PackageType":"Zip",
		"RevisionId":"0b0d5a4a-7e9c-4a7e-9c55-3f8b9c1e0d5a","Role":"arn:aws:iam::111111111111:role/r","Runtime":"python3.12",
		"RuntimeVersionConfig":{"RuntimeVersionArn":"arn:aws:lambda:eu-west-1::runtime:8eeff65f"},
		"SnapStart":{"ApplyOn":"None","OptimizationStatus":"Off"},"State":"Active","Timeout":5,"TracingConfig":{"Mode":"PassThrough"},"Version":%q}`, sha, version)
}

// likeAWS answers to what an import asks as AWS does: pages with markers, nulls, 404 where there is no policy,
// and code at another place than the API, which takes no signature.
func likeAWS(t *testing.T, code string) *API {
	t.Helper()
	sum := sha256.Sum256([]byte(code))
	sha := base64.StdEncoding.EncodeToString(sum[:])
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusBadRequest) // S3 refuses two kinds of signature at once
			return
		}
		fmt.Fprint(w, code)
	}))
	t.Cleanup(bucket.Close)
	answers := map[string]string{
		"/2015-03-31/functions":                                       `{"NextMarker":null,"Functions":[` + configured("$LATEST", sha) + `]}`,
		"/2015-03-31/functions/shop":                                  `{"Code":{"Location":"` + bucket.URL + `/shop?versionId=1","RepositoryType":"S3"},"Concurrency":{"ReservedConcurrentExecutions":3},"Tags":{"team":"a","aws:cloudformation:stack-name":"s"},"Configuration":` + configured("$LATEST", sha) + `}`,
		"/2015-03-31/functions/shop/versions":                         `{"NextMarker":"more","Versions":[` + configured("$LATEST", sha) + `]}`,
		"/2015-03-31/functions/shop/versions?Marker=more":             `{"NextMarker":null,"Versions":[` + configured("10", sha) + `,` + configured("9", sha) + `]}`,
		"/2015-03-31/functions/shop/aliases":                          `{"NextMarker":null,"Aliases":[{"AliasArn":"arn:aws:lambda:eu-west-1:111111111111:function:shop:live","Name":"live","FunctionVersion":"9","Description":"","RoutingConfig":{"AdditionalVersionWeights":{"10":0.5}},"RevisionId":"r"}]}`,
		"/2019-09-25/functions/shop/event-invoke-config/list":         `{"NextMarker":null,"FunctionEventInvokeConfigs":[{"DestinationConfig":{"OnFailure":{},"OnSuccess":{}},"FunctionArn":"arn:aws:lambda:eu-west-1:111111111111:function:shop:$LATEST","LastModified":1774260000.0,"MaximumEventAgeInSeconds":60,"MaximumRetryAttempts":0}]}`,
		"/2015-03-31/functions/shop/policy":                           `{"Policy":"{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":\"s3\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"s3.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:eu-west-1:111111111111:function:shop\"}]}","RevisionId":"r"}`,
		"/2019-09-30/functions/shop/provisioned-concurrency?List=ALL": `{"NextMarker":null,"ProvisionedConcurrencyConfigs":[]}`,
		"/2015-03-31/event-source-mappings?FunctionName=shop":         `{"NextMarker":null,"EventSourceMappings":[{"UUID":"u","BatchSize":10,"EventSourceArn":"arn:aws:sqs:eu-west-1:111111111111:q","FunctionArn":"arn:aws:lambda:eu-west-1:111111111111:function:shop","State":"Enabled"}]}`,
		"/2021-10-31/functions/shop/urls":                             `{"FunctionUrlConfigs":[]}`,
		"/2024-08-31/functions/shop/recursion-config":                 `{"RecursiveLoop":"Allow"}`,

		"/2021-07-20/functions/shop/runtime-management-config?Qualifier=9":         `{"FunctionArn":"arn:aws:lambda:eu-west-1:111111111111:function:shop:9","RuntimeVersionArn":"arn:aws:lambda:eu-west-1::runtime:8eeff65f","UpdateRuntimeOn":"Manual"}`,
		"/2021-07-20/functions/shop/runtime-management-config?Qualifier=10":        `{"FunctionArn":"arn:aws:lambda:eu-west-1:111111111111:function:shop:10","RuntimeVersionArn":null,"UpdateRuntimeOn":"FunctionUpdate"}`,
		"/2021-07-20/functions/shop/runtime-management-config?Qualifier=%24LATEST": `{"FunctionArn":"arn:aws:lambda:eu-west-1:111111111111:function:shop:$LATEST","RuntimeVersionArn":null,"UpdateRuntimeOn":"Auto"}`,
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := strings.TrimSuffix(r.URL.Path, "/")
		if q := r.URL.Query(); len(q) > 0 && (q.Get("Qualifier") == "" || strings.HasSuffix(asked, "/runtime-management-config")) {
			asked += "?" + q.Encode()
		}
		text, found := answers[asked]
		if !found || (strings.HasSuffix(asked, "/policy") && r.URL.Query().Has("Qualifier")) {
			w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
			text = `{"Type":"User","Message":"The resource you requested does not exist: ` + asked + `"}`
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(api.Close)
	return &API{HTTP: http.DefaultClient, Client: awslambda.New(awslambda.Options{
		Region: "eu-west-1", BaseEndpoint: &api.URL, Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1,
	})}
}

// What AWS answers is read whole: pages, the order of versions, null fields.
func TestReadsWhatAWSAnswers(t *testing.T) {
	a := likeAWS(t, "the package")
	names, err := a.Names(t.Context())
	if err != nil || len(names) != 1 || names[0] != "shop" {
		t.Fatal(names, err)
	}
	f, err := a.Function(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	version := func(number string) Version {
		return Version{
			Number: number, SHA256: f.Versions[0].SHA256, Description: "v", Runtime: "python3.12", Handler: "index.handler", Role: "arn:aws:iam::111111111111:role/r",
			Memory: 256, Timeout: 5, Tmp: 1024, Environment: map[string]string{"ENV_A": "a"}, Tracing: "PassThrough", Logging: &Logging{Format: "Text"}, Machine: "arm64",
		}
	}
	want := &Function{
		Name: "shop", Tags: map[string]string{"team": "a"}, Reserved: aws.Int32(3), Versions: []Version{version("9"), version("10"), version("$LATEST")},
		Aliases:     []Alias{{Name: "live", Version: "9", Weights: map[string]float64{"10": 0.5}}},
		Events:      []Events{{Retries: aws.Int32(0), MaxAge: aws.Int32(60)}},
		Permissions: []Permission{{Statement: "s3", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com"}},
		Recursion:   "Allow",
		Behind: []string{
			"its KMS key arn:aws:kms:eu-west-1:111111111111:key/k (here environment variables are encrypted with the server's key)",
			"its code signature of arn:aws:signer:eu-west-1:111111111111:/signing-profiles/p/v", "its event source mappings",
			"the runtime version arn:aws:lambda:eu-west-1::runtime:8eeff65f that 9 is pinned to", "that the runtime of 10 is updated with the function only",
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	if code, err := a.Code(t.Context(), "shop", &f.Versions[0]); err != nil || string(code) != "the package" {
		t.Errorf("%q, %v", code, err)
	}
}

// AWS lists a version whose environment it could not decrypt without variables: it would
// arrive without them.
func TestUnreadableEnvironmentIsNotLost(t *testing.T) {
	_, err := versionOf(&types.FunctionConfiguration{
		Version: aws.String("1"), Environment: &types.EnvironmentResponse{Error: &types.EnvironmentError{ErrorCode: aws.String("AccessDeniedException"), Message: aws.String("no kms:Decrypt")}},
	})
	if err == nil || !strings.Contains(err.Error(), "environment variables that the caller may not decrypt") {
		t.Error(err)
	}
}
