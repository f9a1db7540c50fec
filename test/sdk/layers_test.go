package sdk

import (
	"archive/zip"
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// zipOf zips names and contents, in turn.
func zipOf(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		header := &zip.FileHeader{Name: pairs[i], Method: zip.Deflate}
		header.SetMode(0o755)
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// publishLayer returns the ARN of a new layer version.
func publishLayer(t *testing.T, client *lambda.Client, name string, z []byte) string {
	t.Helper()
	out, err := client.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: aws.String(name), Content: &types.LayerVersionContentInput{ZipFile: z},
	})
	if err != nil {
		t.Fatalf("publishing %s: %v", name, err)
	}
	return *out.LayerVersionArn
}

const layeredFunction = `
import os
import greeting, only_second

def handler(event, context):
    return {"greeting": greeting.TEXT, "second": only_second.TEXT, "tool": open("/opt/bin/tool").read(), "names": sorted(os.listdir("/opt"))}
`

// A Python function imports from /opt/python; of two layers with one file the later wins.
func TestLayersOfAPythonFunction(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	d := up(t, data)
	client := d.client()
	first := publishLayer(t, client, "first", zipOf(t, "python/greeting.py", `TEXT = "first"`, "bin/tool", "first"))
	second := publishLayer(t, client, "second", zipOf(t, "python/greeting.py", `TEXT = "second"`, "python/only_second.py", `TEXT = "there"`))
	for name, layers := range map[string][]string{"first": {second, first}, "second": {first, second}} {
		in := creation(t, "last-is-"+name, "app.py", "app.handler")
		in.Code.ZipFile, in.Layers = zipOf(t, "app.py", layeredFunction), layers
		if out := deploy(t, client, in); len(out.Layers) != 2 || *out.Layers[0].Arn != layers[0] || out.Layers[0].CodeSize == 0 {
			t.Errorf("created with %+v", out.Layers)
		}
		answers(t, client, *in.FunctionName, `{}`, `{"greeting":"`+name+`","names":["bin","python"],"second":"there","tool":"first"}`)
	}
	deletedLayersLiveOn(t, d, data, first, second)
}

// What uses a deleted layer goes on using it, also after a restart.
func deletedLayersLiveOn(t *testing.T, d *daemon, data string, arns ...string) {
	t.Helper()
	client := d.client()
	for _, name := range []string{"first", "second"} {
		if _, err := client.DeleteLayerVersion(t.Context(), &lambda.DeleteLayerVersionInput{LayerName: aws.String(name), VersionNumber: aws.Int64(1)}); err != nil {
			t.Fatal(err)
		}
	}
	in := creation(t, "too-late", "app.py", "app.handler")
	in.Layers = arns
	if _, err := client.CreateFunction(t.Context(), in); err == nil {
		t.Error("a function was created with deleted layers")
	}
	d.stop()
	client = up(t, data).client()
	answers(t, client, "last-is-first", `{}`, `{"greeting":"first","names":["bin","python"],"second":"there","tool":"first"}`)
	if arn := publishLayer(t, client, "first", zipOf(t, "x", "x")); arn == arns[0] {
		t.Errorf("%s was given twice", arn)
	}
}

// A custom runtime may come from a layer, and its process finds the package.
func TestBootstrapOfALayer(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	const bootstrap = `#!/bin/sh
exec python3 -c '
import os, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    event = urllib.request.urlopen(base + "next")
    id = event.headers["Lambda-Runtime-Aws-Request-Id"]
    urllib.request.urlopen(base + id + "/response", data=open("/var/task/answer.json", "rb").read())
'
`
	in := creation(t, "from-a-layer", "app.py", "none")
	in.Runtime, in.Code.ZipFile = types.RuntimeProvidedal2023, zipOf(t, "answer.json", `{"from":"/opt/bootstrap"}`)
	in.Layers = []string{publishLayer(t, client, "runtime", zipOf(t, "bootstrap", bootstrap))}
	deploy(t, client, in)
	answers(t, client, "from-a-layer", `{}`, `{"from":"/opt/bootstrap"}`)
}

// What the SDK's shapes hold of a layer, in all the ways to ask for it.
func TestLayerThroughTheSDK(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := &lambda.PublishLayerVersionInput{
		LayerName: aws.String("shapes"), Description: aws.String("d"), LicenseInfo: aws.String("MIT"),
		CompatibleRuntimes: []types.Runtime{types.RuntimePython312}, CompatibleArchitectures: []types.Architecture{types.ArchitectureX8664},
		Content: &types.LayerVersionContentInput{ZipFile: zipOf(t, "a", "a")},
	}
	published, err := client.PublishLayerVersion(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	byName, err := client.GetLayerVersion(t.Context(), &lambda.GetLayerVersionInput{LayerName: published.LayerArn, VersionNumber: aws.Int64(1)})
	if err != nil {
		t.Fatal(err)
	}
	byARN, err := client.GetLayerVersionByArn(t.Context(), &lambda.GetLayerVersionByArnInput{Arn: published.LayerVersionArn})
	if err != nil {
		t.Fatal(err)
	}
	if *byName.Content.CodeSha256 != *published.Content.CodeSha256 || *byARN.Content.CodeSha256 != *published.Content.CodeSha256 ||
		*byARN.LicenseInfo != "MIT" || byName.CompatibleRuntimes[0] != types.RuntimePython312 || byName.Version != 1 {
		t.Errorf("by name %+v, by ARN %+v", byName, byARN)
	}
	pages := 0
	for p := lambda.NewListLayerVersionsPaginator(client, &lambda.ListLayerVersionsInput{LayerName: in.LayerName}); p.HasMorePages(); pages++ {
		if page, err := p.NextPage(t.Context()); err != nil || len(page.LayerVersions) != 1 {
			t.Fatalf("page %+v, %v", page, err)
		}
	}
	list, err := client.ListLayers(t.Context(), &lambda.ListLayersInput{CompatibleRuntime: types.RuntimePython312})
	if err != nil || pages != 1 || len(list.Layers) != 1 || *list.Layers[0].LatestMatchingVersion.LayerVersionArn != *published.LayerVersionArn {
		t.Errorf("list %+v, %v, %d pages", list, err, pages)
	}
}
