package sdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

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
	requestsMeet(t, client, "meeting")
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
