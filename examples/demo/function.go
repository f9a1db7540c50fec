package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

type function struct {
	server                 *server
	name, runtime, handler string
	memory                 int32
	zip                    []byte
	tags                   map[string]string
	reserved               int32 // concurrency; 0 = not reserved
}

// deploy creates the function and waits until it is active, with the SDK's own waiter.
func (s *server) deploy(ctx context.Context, f function) (*function, error) {
	f.server = s
	_, err := s.client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &f.name, Runtime: types.Runtime(f.runtime), Handler: &f.handler, MemorySize: &f.memory,
		Role: aws.String("arn:aws:iam::000000000000:role/demo"), Timeout: aws.Int32(10),
		Code: &types.FunctionCode{ZipFile: f.zip}, Tags: f.tags,
	})
	if err != nil {
		return nil, err
	}
	if err := f.reserve(ctx); err != nil {
		return nil, err
	}
	waiter := lambda.NewFunctionActiveV2Waiter(s.client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	return &f, waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &f.name}, time.Minute)
}

func (f *function) reserve(ctx context.Context) error {
	if f.reserved == 0 {
		return nil
	}
	_, err := f.server.client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName: &f.name, ReservedConcurrentExecutions: &f.reserved,
	})
	return err
}

// coldAndWarm invokes once cold and five times warm and keeps the first and the last receipt.
func (f *function) coldAndWarm(ctx context.Context, event []byte) ([]row, []byte, error) {
	const invokes = 6
	var rows []row
	var answer []byte
	for range invokes {
		r, out, err := f.invoke(ctx, event)
		if err != nil {
			return nil, nil, err
		}
		if out.FunctionError != nil {
			return nil, nil, fmt.Errorf("%s failed: %s", f.name, out.Payload)
		}
		rows, answer = append(rows, r), out.Payload
	}
	return []row{rows[0], rows[len(rows)-1]}, answer, nil
}

func (f *function) invoke(ctx context.Context, event []byte) (row, *lambda.InvokeOutput, error) {
	began := time.Now()
	out, err := f.server.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &f.name, Payload: event})
	if err != nil {
		return row{}, nil, err
	}
	return newRow(f.name, time.Since(began), out.ResultMetadata), out, nil
}

// refuses sends a bad event and shows the typed error that comes back.
func (f *function) refuses(ctx context.Context, event []byte) error {
	_, out, err := f.invoke(ctx, event)
	if err != nil {
		return err
	}
	if out.FunctionError == nil {
		return fmt.Errorf("%s accepted %s", f.name, event)
	}
	var refusal struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(out.Payload, &refusal); err != nil {
		return err
	}
	note("a bad basket: %s: %s", refusal.ErrorType, refusal.ErrorMessage)
	return nil
}

// zipFolder packs files of a folder.
func zipFolder(dir string, names ...string) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range names {
		if err := addFile(w, name, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buf.Bytes(), err
}

func addFile(w *zip.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o755)
	entry, err := w.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, f)
	return err
}

// buildGo compiles a Go function for the runtime provided.al2023 and returns the folder
// that holds its bootstrap.
func buildGo(ctx context.Context, dir, into string) (string, error) {
	bootstrap := filepath.Join(into, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", bootstrap, ".")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", dir, err, out)
	}
	return into, nil
}

// newestPython names the runtime of the newest Python that Debian put into /usr/bin.
func newestPython() string {
	for minor := 14; minor >= 9; minor-- {
		name := fmt.Sprintf("python3.%d", minor)
		if _, err := os.Stat("/usr/bin/" + name); err == nil {
			return name
		}
	}
	return "python3.11"
}

// hostNode is the runtime of the node on the PATH, "nodejs22.x" for instance; "" without
// one.
func hostNode(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	major, _, found := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
	if err != nil || !found {
		return ""
	}
	return "nodejs" + major + ".x"
}
