package sdk

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// javaAnswer is what the Java function answers.
type javaAnswer struct {
	Name, Request, Most string
	PID                 int
}

// AWS's runtime client for Java takes several requests at once in threads of one process;
// who comes later may be answered first.
func TestJavaClientTakesManyAtOnce(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "meeting", "app.py", "Meeting::handleRequest")
	in.Runtime, in.Code = types.RuntimeProvidedal2023, &types.FunctionCode{ZipFile: packFolder(t, javaFunction(t))}
	in.MemorySize, in.Timeout, in.Tags = aws.Int32(1024), aws.Int32(60), map[string]string{"lambent:concurrency": "4"}
	deploy(t, client, in)
	alone := askJava(t, client, `{"name":"alone"}`)
	if alone.Name != "alone" || alone.Most != "4" {
		t.Fatalf("%+v", alone)
	}
	waiting := make(chan javaAnswer, 1)
	go func() { waiting <- askJava(t, client, `{"name":"first","for":"last"}`) }()
	// The second waits for the first: they run at once. It is answered while the first waits.
	second := askJava(t, client, `{"name":"second","for":"first"}`)
	select {
	case early := <-waiting:
		t.Errorf("%+v did not wait", early)
	default:
	}
	last := askJava(t, client, `{"name":"last"}`)
	first := <-waiting
	for name, got := range map[string]javaAnswer{"first": first, "second": second, "last": last} {
		if got.Name != name || got.PID != alone.PID {
			t.Errorf("%s got %+v, another process than %d's", name, got, alone.PID)
		}
	}
	if first.Request == second.Request || first.Request == last.Request {
		t.Errorf("requests share an id: %+v, %+v, %+v", first, second, last)
	}
}

func askJava(t *testing.T, client *lambda.Client, event string) (got javaAnswer) {
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("meeting"), Payload: []byte(event)})
	if err == nil && out.FunctionError != nil {
		err = errors.New(*out.FunctionError)
	}
	if err == nil {
		err = json.Unmarshal(out.Payload, &got)
	}
	if err != nil {
		t.Errorf("%s: %v", event, err)
	}
	return got
}

// javaFunction builds a function on AWS's runtime client for Java, fetched from Maven Central
// where the host has not got it.
func javaFunction(t *testing.T) string {
	t.Helper()
	java := hostJava(t)
	dir := t.TempDir()
	lib := filepath.Join(dir, "lib")
	tool(t, "mvn", "--batch-mode", "--quiet", "-f", "testdata/javaclient/pom.xml",
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+lib)
	tool(t, "javac", "--release", "17", "-cp", filepath.Join(lib, "*"), "-d", dir, "testdata/javaclient/Meeting.java")
	const main = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
	start := "#!/bin/sh\nexec " + java + " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '/var/task:/var/task/lib/*' " + main + " \"$_HANDLER\"\n"
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(start), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// hostJava is the host's Java at the path that sandboxes show it at.
func hostJava(t *testing.T) string {
	t.Helper()
	found, err := exec.LookPath("java")
	if err == nil {
		found, err = filepath.EvalSymlinks(found)
	}
	if err != nil || !strings.HasPrefix(found, "/usr/") {
		lacking(t, "needs a JDK below /usr, Debian's openjdk-17-jdk-headless for instance, and maven")
	}
	return found
}

// tool runs a program that builds something; a host without it cannot run the test.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		lacking(t, name+": "+err.Error()+"\n"+string(out))
	}
}
