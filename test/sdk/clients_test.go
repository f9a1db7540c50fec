package sdk

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// ricVersion pins AWS's runtime client for Python.
const ricVersion = "awslambdaric==4.2.2"

// TestOfficialClients runs AWS's own runtime clients, unchanged, as provided functions in
// light sandboxes.
func TestOfficialClients(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	for runtime, folder := range map[types.Runtime]func(*testing.T) string{"provided.al2023": goFunction, "provided.al2": ricFunction} {
		t.Run(string(runtime), func(t *testing.T) {
			in := creation(t, "client-"+string(runtime[len("provided."):]), "app.py", "app.handler")
			in.Runtime, in.Code = runtime, &types.FunctionCode{ZipFile: packFolder(t, folder(t))}
			in.MemorySize = aws.Int32(256)
			deploy(t, client, in)
			answers(t, client, *in.FunctionName, `{"name":"you"}`, `{"hello":"you"}`)
			answers(t, client, *in.FunctionName, `{"name":"again"}`, `{"hello":"again"}`)
			out := invoke(t, client, *in.FunctionName, `{"name":""}`)
			if aws.ToString(out.FunctionError) != "Unhandled" || !bytes.Contains(out.Payload, []byte(`"nobody to greet"`)) {
				t.Errorf("an error came as %s %s", aws.ToString(out.FunctionError), out.Payload)
			}
		})
	}
}

// goFunction builds a function on aws-lambda-go.
func goFunction(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), ".")
	build.Dir, build.Env = filepath.Join("testdata", "goclient"), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		lacking(t, "building with aws-lambda-go: "+err.Error()+"\n"+string(out))
	}
	return dir
}

// ricFunction installs awslambdaric beside a handler, started by a bootstrap of one line.
func ricFunction(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "/usr/bin/python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--root-user-action=ignore", "--only-binary", ":all:", "--target", dir, ricVersion)
	if out, err := install.CombinedOutput(); err != nil {
		lacking(t, "installing "+ricVersion+": "+err.Error()+"\n"+string(out))
	}
	write := func(name, text string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755) }
	err := errors.Join(
		write("bootstrap", "#!/bin/sh\nexec /usr/bin/python3 -m awslambdaric \"$_HANDLER\"\n"),
		write("app.py", "def handler(event, context):\n    if not event['name']:\n        raise ValueError('nobody to greet')\n    return {'hello': event['name']}\n"),
	)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// packFolder zips a folder, with the modes of its files.
func packFolder(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
