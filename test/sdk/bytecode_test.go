package sdk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// compiledFunction tells which of its modules the interpreter compiled, and where it took
// the bytecode of the others.
const compiledFunction = `
import importlib.machinery, os, sys

compiled = []
original = importlib.machinery.SourceFileLoader.source_to_code

def counting(self, data, path, **options):
    compiled.append(path)
    return original(self, data, path, **options)

importlib.machinery.SourceFileLoader.source_to_code = counting
import helper, shared

def handler(event, context):
    return {
        "compiled": compiled, "helper": helper.TEXT, "shared": shared.TEXT,
        "cached": [m.__cached__ for m in (sys.modules["app"], helper, shared) if os.path.exists(m.__cached__)],
    }
`

type compiledAnswer struct {
	Compiled, Cached []string
	Helper, Shared   string
}

// atStart starts a new instance of a function and asks it.
func atStart(t *testing.T, client *lambda.Client, name string) compiledAnswer {
	t.Helper()
	out := invoke(t, client, name, `{}`)
	var got compiledAnswer
	if err := json.Unmarshal(out.Payload, &got); err != nil || out.FunctionError != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	return got
}

// wantCompiled fails unless an instance compiled nothing itself.
func wantCompiled(t *testing.T, got compiledAnswer, helper, shared string) {
	t.Helper()
	if len(got.Compiled) != 0 || len(got.Cached) != 3 {
		t.Errorf("the instance compiled %q and found bytecode at %q", got.Compiled, got.Cached)
	}
	if got.Helper != helper || got.Shared != shared {
		t.Errorf("helper is %q, want %q; shared is %q, want %q", got.Helper, helper, got.Shared, shared)
	}
}

// awaitCompiled waits until so many packages are compiled: a deployment waits for a second at
// most, and a loaded machine takes longer.
func awaitCompiled(t *testing.T, data string, n int) {
	t.Helper()
	awaitUntil(t, "the bytecode", time.Minute, func() bool { return len(compiledFolders(t, data)) >= n })
}

func text(s string) string { return `TEXT = "` + s + `"` + "\n" }

// A function whose import compiles something finds it compiled: of its code and its
// layers, after an update of either, and after a restart. Old bytecode is never met with new
// code, and of two layers the later one's module runs.
func TestPackagesAreCompiledWhenTheyAreDeployed(t *testing.T) {
	needs(t)
	data := t.TempDir()
	d := up(t, data)
	client := d.client()
	first := publishLayer(t, client, "first", zipOf(t, "python/shared.py", text("first")))
	second := publishLayer(t, client, "second", zipOf(t, "python/shared.py", text("other")))
	in := creation(t, "compiled", "app.py", "app.handler")
	in.Code.ZipFile, in.Layers = zipOf(t, "app.py", compiledFunction, "helper.py", text("one")), []string{first}
	deploy(t, client, in)
	awaitCompiled(t, data, 2)
	wantCompiled(t, atStart(t, client, "compiled"), "one", "first")

	// The same size and, in a zip without times, the same time: only its content tells it.
	updateCode(t, client, "compiled", zipOf(t, "app.py", compiledFunction, "helper.py", text("two")))
	awaitCompiled(t, data, 3)
	wantCompiled(t, atStart(t, client, "compiled"), "two", "first")
	useLayers(t, client, "compiled", first, second)
	awaitCompiled(t, data, 4)
	wantCompiled(t, atStart(t, client, "compiled"), "two", "other")
	useLayers(t, client, "compiled", second, first)
	awaitCompiled(t, data, 5)
	wantCompiled(t, atStart(t, client, "compiled"), "two", "first")

	before := compiledFolders(t, data)
	d.stop()
	d = up(t, data)
	wantCompiled(t, atStart(t, d.client(), "compiled"), "two", "first")
	if after := compiledFolders(t, data); !slices.Equal(before, after) {
		t.Errorf("a restart compiled again: %q, then %q", before, after)
	}
}

// What a killed server had not compiled the next one does, and what it had half done is not
// met.
func TestCompilingGoesOnAfterARestart(t *testing.T) {
	needs(t)
	data := t.TempDir()
	d := up(t, data)
	in := creation(t, "compiled", "app.py", "app.handler")
	in.Code.ZipFile = zipOf(t, "app.py", compiledFunction, "helper.py", text("one"), "shared.py", text("own"))
	deploy(t, d.client(), in)
	d.kill()
	for _, folder := range compiledFolders(t, data) {
		if err := os.RemoveAll(strings.TrimSpace(strings.Split(folder, " ")[0])); err != nil {
			t.Fatal(err)
		}
	}
	d = up(t, data)
	for end := time.Now().Add(20 * time.Second); len(compiledFolders(t, data)) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was compiled")
		}
	}
	wantCompiled(t, atStart(t, d.client(), "compiled"), "one", "own")
}

// Bytecode leaves the disk with what it was made of.
func TestBytecodeOfADeletedFunctionLeavesTheDisk(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	d := up(t, data)
	in := creation(t, "compiled", "app.py", "app.handler")
	in.Code.ZipFile = zipOf(t, "app.py", compiledFunction, "helper.py", text("one"), "shared.py", text("own"))
	deploy(t, d.client(), in)
	awaitCompiled(t, data, 1)
	if _, err := d.client().DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: in.FunctionName}); err != nil {
		t.Fatal(err)
	}
	d.stop()
	hourAgo := time.Now().Add(-time.Hour)
	for _, path := range packages(t, data) {
		if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
			t.Fatal(err)
		}
	}
	up(t, data)
	for end := time.Now().Add(20 * time.Second); len(compiledFolders(t, data))+len(packages(t, data)) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still there: %q, %q", compiledFolders(t, data), packages(t, data))
		}
	}
}

func updateCode(t *testing.T, client *lambda.Client, name string, z []byte) {
	t.Helper()
	_, err := client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(name), ZipFile: z})
	if err != nil {
		t.Fatal(err)
	}
	waitUpdated(t, client, name)
}

func useLayers(t *testing.T, client *lambda.Client, name string, arns ...string) {
	t.Helper()
	_, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String(name), Layers: arns})
	if err != nil {
		t.Fatal(err)
	}
	waitUpdated(t, client, name)
}

// compiledFolders names what was compiled, and when.
func compiledFolders(t *testing.T, data string) (found []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(data, "code", "*."+python))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		info, err := os.Stat(name)
		if err != nil {
			continue // things come and go
		}
		found = append(found, name+" "+info.ModTime().String())
	}
	return found
}
