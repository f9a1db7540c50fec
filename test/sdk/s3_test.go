package sdk

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// objectStore starts an S3-compatible server with a bucket and points daemons at it.
func objectStore(t *testing.T, objects map[string][]byte) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("packages"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	for key, content := range objects {
		putObject(t, server.URL+"/packages/"+key, content)
	}
	t.Setenv("LAMBENT_S3_ENDPOINT", server.URL)
	t.Setenv("LAMBENT_S3_PATH_STYLE", "true")
	t.Setenv("LAMBENT_S3_ACCESS_KEY", "key")
	t.Setenv("LAMBENT_S3_SECRET_KEY", "secret")
}

func putObject(t *testing.T, address string, content []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("putting an object: %s", answer.Status)
	}
}

const answering = `
def handler(event, context):
    return "%s"
`

func TestCodeFromS3(t *testing.T) {
	needs(t)
	say := func(text string) []byte { return zipOf(t, "app.py", strings.Replace(answering, "%s", text, 1)) }
	objectStore(t, map[string][]byte{"first.zip": say("first"), "second.zip": say("second"), "layer.zip": zipOf(t, "data", "x")})
	client := up(t, t.TempDir()).client()
	in := creation(t, "from-s3", "app.py", "app.handler")
	in.Code = &types.FunctionCode{S3Bucket: aws.String("packages"), S3Key: aws.String("first.zip")}
	deploy(t, client, in)
	answers(t, client, "from-s3", `{}`, `"first"`)
	_, err := client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{
		FunctionName: in.FunctionName, S3Bucket: aws.String("packages"), S3Key: aws.String("second.zip"),
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, client, "from-s3", `"second"`)
	_, err = client.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: aws.String("l"), Content: &types.LayerVersionContentInput{S3Bucket: aws.String("packages"), S3Key: aws.String("layer.zip")},
	})
	if err != nil {
		t.Error(err)
	}
	in.FunctionName, in.Code.S3Key = aws.String("missing"), aws.String("none.zip")
	_, err = client.CreateFunction(t.Context(), in)
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidParameterValueException" ||
		!strings.HasPrefix(refused.ErrorMessage(), "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: ") {
		t.Errorf("err = %v", err)
	}
}

// eventually waits for an update to be the one that answers.
func eventually(t *testing.T, client *lambda.Client, name, want string) {
	t.Helper()
	waiter := lambda.NewFunctionUpdatedV2Waiter(client, func(o *lambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(name)}, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	answers(t, client, name, `{}`, want)
}

// Nothing in the data folder shows a variable's value, and the function still has it
// after a restart; with the key gone the server says what to do.
func TestVariablesAreSealed(t *testing.T) {
	t.Parallel()
	needs(t)
	const secret = "hunter2-in-the-open"
	data := t.TempDir()
	d := up(t, data)
	in := creation(t, "keeper", "app.py", "app.handler")
	in.Code.ZipFile = zipOf(t, "app.py", "import os\ndef handler(event, context):\n    return os.environ['PASSWORD']\n")
	in.Environment = &types.Environment{Variables: map[string]string{"PASSWORD": secret}}
	deploy(t, d.client(), in)
	answers(t, d.client(), "keeper", `{}`, `"`+secret+`"`)
	d.kill()
	if name := fileWith(t, data, secret); name != "" {
		t.Errorf("the value is in %s", name)
	}
	d = up(t, data)
	answers(t, d.client(), "keeper", `{}`, `"`+secret+`"`)
	d.stop()
	key := filepath.Join(data, "secret.key")
	if err := os.Rename(key, key+".lost"); err != nil {
		t.Fatal(err)
	}
	refusesToStart(t, data, freePort(t), "there is no key file "+key)
	refusesToStart(t, data, freePort(t), "put the key file back")
	if err := os.Rename(key+".lost", key); err != nil {
		t.Fatal(err)
	}
	answers(t, up(t, data).client(), "keeper", `{}`, `"`+secret+`"`)
}

// fileWith names a file below dir that holds a text.
func fileWith(t *testing.T, dir, text string) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			found = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
