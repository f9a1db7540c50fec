package lambdaapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

const (
	layerPath   = "/2018-10-31/layers"
	versionPath = layerPath + "/%s/versions/%d"
	accountARN  = "arn:aws:lambda:us-east-1:000000000000:layer:"
)

// layerRequest is a good body of PublishLayerVersion with some members changed; nil
// removes one.
func layerRequest(changes map[string]any) string {
	body := map[string]any{"Content": map[string]any{"ZipFile": goodZip()}}
	for key, value := range changes {
		if body[key] = value; value == nil {
			delete(body, key)
		}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// publishLayer publishes a version and returns its ARN.
func (b *bench) publishLayer(name string, changes map[string]any) string {
	b.t.Helper()
	r := b.do("POST", layerPath+"/"+name+"/versions", layerRequest(changes))
	if r.Code != http.StatusCreated {
		b.t.Fatalf("publish: %d %s", r.Code, r.Body)
	}
	return r.fields["LayerVersionArn"].(string)
}

func TestLayerLifecycle(t *testing.T) {
	b := newBench(t)
	r := b.do("POST", layerPath+"/deps/versions", layerRequest(map[string]any{
		"Description": "d", "LicenseInfo": "MIT", "CompatibleRuntimes": []string{"python3.12"}, "CompatibleArchitectures": []string{"x86_64"},
	}))
	content, _ := r.fields["Content"].(map[string]any)
	if r.Code != http.StatusCreated || content["CodeSize"] != float64(len(goodZip())) || content["CodeSha256"] == "" {
		t.Fatalf("published: %d %s", r.Code, r.Body)
	}
	want := map[string]any{
		"LayerArn": accountARN + "deps", "LayerVersionArn": accountARN + "deps:1", "Version": float64(1), "Description": "d", "LicenseInfo": "MIT",
		"CompatibleRuntimes": []any{"python3.12"}, "CompatibleArchitectures": []any{"x86_64"},
	}
	download(t, b, content["Location"].(string))
	for _, target := range []string{
		fmt.Sprintf(versionPath, "deps", 1), fmt.Sprintf(versionPath, url.PathEscape(accountARN+"deps"), 1),
		layerPath + "?find=LayerVersion&Arn=" + url.QueryEscape(accountARN+"deps:1"),
	} {
		r := b.do("GET", target, "")
		delete(r.fields, "Content")
		if _, ok := r.fields["CreatedDate"].(string); !ok || r.Code != http.StatusOK {
			t.Errorf("%s: %d %s", target, r.Code, r.Body)
		}
		delete(r.fields, "CreatedDate")
		if diff := cmp.Diff(want, r.fields); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
	for range 2 { // recorded: what is gone is deleted
		if r := b.do("DELETE", fmt.Sprintf(versionPath, "deps", 1), ""); r.Code != http.StatusNoContent {
			t.Errorf("delete: %d %s", r.Code, r.Body)
		}
	}
	if r := b.do("GET", fmt.Sprintf(versionPath, "deps", 1), ""); r.Code != 404 || r.text() != "The resource you requested does not exist." {
		t.Errorf("deleted: %d %s", r.Code, r.Body)
	}
	if arn := b.publishLayer("deps", nil); arn != accountARN+"deps:2" {
		t.Errorf("the next is %s: numbers are not given twice", arn)
	}
}

// recorded: lists are there also where nothing was named, and LicenseInfo is not.
func TestLayerWithoutDetails(t *testing.T) {
	b := newBench(t)
	r := b.do("POST", layerPath+"/bare/versions", layerRequest(nil))
	lists := fmt.Sprint(r.fields["CompatibleRuntimes"], r.fields["CompatibleArchitectures"], r.fields["Description"])
	if _, has := r.fields["LicenseInfo"]; has || lists != "[] []" {
		t.Errorf("published: %s", r.Body)
	}
}

func download(t *testing.T, b *bench, link string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.do("GET", u.RequestURI(), ""); r.Code != http.StatusOK || r.Body.String() != string(goodZip()) {
		t.Errorf("download: %d, %d bytes", r.Code, r.Body.Len())
	}
}

func TestLayersListed(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		name := fmt.Sprintf("l%d", i)
		b.publishLayer(name, map[string]any{"CompatibleRuntimes": []string{"python3.12"}, "CompatibleArchitectures": []string{"arm64"}})
		b.publishLayer(name, nil)
	}
	for query, want := range map[string]string{
		"":                              "l0:2 l1:2 l2:2 l3:2 l4:2",
		"?CompatibleRuntime=python3.12": "l0:1 l1:1 l2:1 l3:1 l4:1",
		"?CompatibleRuntime=python3.13": "",
		"?CompatibleArchitecture=arm64": "l0:1 l1:1 l2:1 l3:1 l4:1",
		"?MaxItems=2":                   "l0:2 l1:2 | l2:2 l3:2 | l4:2",
		"?MaxItems=5&CompatibleRuntime=nodejs22.x": "",
	} {
		if got := b.pages(layerPath+query, "Layers"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for range 3 {
		b.publishLayer("l2", nil)
	}
	for query, want := range map[string]string{
		"":                              "l2:5 l2:4 l2:3 l2:2 l2:1",
		"?MaxItems=2":                   "l2:5 l2:4 | l2:3 l2:2 | l2:1",
		"?CompatibleRuntime=python3.12": "l2:1",
	} {
		if got := b.pages(layerPath+"/l2/versions"+query, "LayerVersions"); got != want {
			t.Errorf("versions%s: %q, want %q", query, got, want)
		}
	}
	if r := b.do("GET", layerPath+"/none/versions", ""); r.Code != 200 || r.Body.String() != `{"LayerVersions":[]}` { // recorded
		t.Errorf("of no layer: %d %s", r.Code, r.Body)
	}
}

// pages reads a list to its end and names what is on each page.
func (b *bench) pages(target, key string) string {
	b.t.Helper()
	var pages []string
	for marker := ""; ; {
		join := "?"
		if strings.Contains(target, "?") {
			join = "&"
		}
		r := b.do("GET", target+join+"Marker="+marker, "")
		pages = append(pages, strings.Join(namesOf(r.fields[key]), " "))
		next, more := r.fields["NextMarker"].(string)
		if r.Code != http.StatusOK || !more {
			return strings.Join(pages, " | ")
		}
		marker = next
	}
}

func namesOf(items any) (names []string) {
	list, _ := items.([]any)
	for _, item := range list {
		fields := item.(map[string]any)
		if latest, ok := fields["LatestMatchingVersion"].(map[string]any); ok {
			fields = latest
		}
		names = append(names, strings.TrimPrefix(fields["LayerVersionArn"].(string), accountARN))
	}
	return names
}

func TestFunctionWithLayers(t *testing.T) {
	b := newBench(t)
	b.run()
	first, second := b.publishLayer("first", nil), b.publishLayer("second", map[string]any{"Content": map[string]any{"ZipFile": zipOf("other.py")}})
	r := b.create(map[string]any{"Layers": []string{second, first}, "Publish": true})
	want := []any{
		map[string]any{"Arn": second, "CodeSize": float64(len(zipOf("other.py")))},
		map[string]any{"Arn": first, "CodeSize": float64(len(goodZip()))},
	}
	if diff := cmp.Diff(want, r.fields["Layers"]); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	b.await("thumbnail", "Active")
	for _, v := range []*lambda.Version{&b.memory.functions[id("thumbnail")].Published[0]} {
		if len(v.Layers) != 2 || v.Layers[1].Digest != v.Code.Digest {
			t.Errorf("kept: %+v", v.Layers)
		}
	}
	if r := b.do("DELETE", fmt.Sprintf(versionPath, "first", 1), ""); r.Code != http.StatusNoContent {
		t.Errorf("delete: %d", r.Code)
	}
	if r := b.do("GET", functions+"/thumbnail/configuration", ""); !cmp.Equal(want, r.fields["Layers"]) {
		t.Errorf("after the deletion of a layer: %s", r.Body)
	}
}

// Code and layers are bounded together; the bound of each alone is package code's.
func TestLayersAreBoundedWithTheCode(t *testing.T) {
	const most = lambda.MaxUnzipped
	b := newBench(t)
	big := func(size int64) string {
		digest := fmt.Sprintf("%064x", size)
		b.memory.blobs[digest] = zeros(size)
		v := lambda.LayerVersion{ID: lambda.LayerID{Account: "000000000000", Region: "us-east-1", Name: fmt.Sprint("big", size)}, Code: lambda.Code{Digest: digest}}
		if _, err := b.memory.PublishLayer(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		return v.ID.VersionARN(1)
	}
	whole, small := big(most-1), big(200)
	for _, c := range []struct {
		layers []string
		want   string
	}{
		{[]string{whole}, fmt.Sprintf("Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is %d bytes.", most-1+unzippedSize(t))},
		{[]string{whole, small}, "Layers consume more than the available size of 262144000 bytes"},
	} {
		r := b.do("POST", functions, request(map[string]any{"Layers": c.layers}))
		if r.Code != 400 || r.kind() != parameter || r.text() != c.want {
			t.Errorf("%d %s %s, want %s", r.Code, r.kind(), r.text(), c.want)
		}
	}
	b.create(map[string]any{"Layers": []string{small}})
}

// badLayerRequests are requests about layers themselves.
func badLayerRequests() []malformed {
	publish := func(changes map[string]any) malformed {
		return malformed{method: "POST", target: layerPath + "/l/versions", body: layerRequest(changes), status: 400}
	}
	get := func(target string) malformed {
		return malformed{method: "GET", target: layerPath + target, status: 400}
	}
	source := func(members map[string]any) malformed { return publish(map[string]any{"Content": members}) }
	const enum = "Member must satisfy enum value set: [nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2]"
	return []malformed{
		// recorded
		publish(map[string]any{"CompatibleRuntimes": []string{"invalidruntime", "invalidruntime2", "nodejs20.x"}, "CompatibleArchitectures": []string{"invalidarch", "x86_64"}}).says(validation, "2 validation errors detected: Value '[invalidruntime, invalidruntime2, nodejs20.x]' at 'compatibleRuntimes' failed to satisfy constraint: "+enum+"; Value '[invalidarch, x86_64]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"),
		publish(map[string]any{"CompatibleRuntimes": make([]string, 16)}).says(validation, "Member must have length less than or equal to 15"),
		publish(map[string]any{"CompatibleArchitectures": []string{"x86_64", "arm64", "x86_64"}}).says(validation, "Member must have length less than or equal to 2"),
		publish(map[string]any{"CompatibleRuntimes": "python3.12"}).says(serial, "STRING_VALUE can not be converted to a List"),
		publish(map[string]any{"CompatibleRuntimes": []any{nil}}).says(validation, "at 'compatibleRuntimes'"),
		publish(map[string]any{"Content": nil}).says(validation, "Value null at 'content'"),
		publish(map[string]any{"Content": "zip"}).says(serial, "STRING_VALUE can not be converted to a Structure"),
		publish(map[string]any{"Description": strings.Repeat("d", 257)}).says(validation, "at 'description'"),
		publish(map[string]any{"LicenseInfo": strings.Repeat("l", 513)}).says(validation, "at 'licenseInfo'"),
		source(map[string]any{}).says(parameter, "Please provide a source for function code."),
		source(map[string]any{"ZipFile": []byte("no zip")}).says(parameter, "Could not unzip uploaded file."),
		source(map[string]any{"ZipFile": zipOf("../../etc/passwd")}).says(parameter, "Could not unzip uploaded file."),
		source(map[string]any{"ZipFile": "%%%"}).says(serial, "not valid Base64"),
		source(map[string]any{"ZipFile": make([]byte, lambda.MaxZipped+1)}).withStatus(413).says("RequestEntityTooLargeException", "Zipped size must be smaller than 52428800 bytes"),
		source(map[string]any{"S3Bucket": "bucket", "S3Key": "k"}).says(parameter, "its configuration names no endpoint"),
		source(map[string]any{"S3Bucket": "bucket"}).says(parameter, "S3Bucket and S3Key belong together"),
		source(map[string]any{"S3Bucket": "bucket", "S3Key": "k", "ZipFile": goodZip()}).says(parameter, "Please do not provide other FunctionCode parameters"),
		source(map[string]any{"S3Bucket": "../..", "S3Key": "k"}).says(validation, "at 'content.s3Bucket'"),
		source(map[string]any{"S3Bucket": "b.", "S3Key": "k"}).says(validation, "at 'content.s3Bucket'"),
		source(map[string]any{"S3Bucket": strings.Repeat("b", 64), "S3Key": "k"}).says(validation, "less than or equal to 63"),
		source(map[string]any{"S3Bucket": "bucket", "S3Key": ""}).says(validation, "at 'content.s3Key'"),
		source(map[string]any{"S3Bucket": "bucket", "S3Key": strings.Repeat("k", 1025)}).says(validation, "at 'content.s3Key'"),
		source(map[string]any{"S3Bucket": "bucket", "S3Key": "k", "S3ObjectVersion": ""}).says(validation, "at 'content.s3ObjectVersion'"),
		source(map[string]any{"ZipFile": goodZip(), "S3ObjectStorageMode": "LINK"}).says(validation, "Member must satisfy enum value set: [COPY, REFERENCE]"),
		source(map[string]any{"ZipFile": goodZip(), "S3ObjectStorageMode": "REFERENCE"}).says(parameter, notYet+"Content.S3ObjectStorageMode"),
		{method: "POST", target: layerPath + "/l%20l/versions", body: layerRequest(nil), status: 400, kind: validation, text: "Value 'l l' at 'layerName'"},
		{method: "POST", target: layerPath + "/..%2f../versions", body: layerRequest(nil), status: 400, kind: validation, text: "at 'layerName'"},
		{method: "POST", target: layerPath + "/" + strings.Repeat("l", 141) + "/versions", body: layerRequest(nil), status: 400, kind: validation, text: "less than or equal to 140"},
		{method: "POST", target: layerPath + "/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Alayer%3Al/versions", body: layerRequest(nil), status: 403, kind: "AccessDeniedException", text: "is not authorized to perform: lambda:PublishLayerVersion on resource: arn:aws:lambda:us-east-1:123456789012:layer:l "},
		{method: "POST", target: layerPath + "/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Alayer%3Al/versions", body: layerRequest(nil), status: 400, kind: parameter, text: "Layers from 'eu-west-1' are not reachable"},
		get("/l/versions/0").says(parameter, "Layer Version Cannot be less than 1"),  // recorded
		get("/l/versions/-1").says(parameter, "Layer Version Cannot be less than 1"), // recorded
		get("/l/versions/one").says(serial, "STRING_VALUE can not be converted to a Long"),
		get("/l/versions/99999999999999999999").says(serial, "STRING_VALUE can not be converted to a Long"),
		get("/l/versions/9").withStatus(404).says(notFound, "The resource you requested does not exist."), // recorded
		{method: "DELETE", target: layerPath + "/l/versions/-1", status: 400, kind: parameter, text: "Layer Version Cannot be less than 1"},
		get("?find=LayerVersion").says(validation, "Value null at 'arn'"),
		get("?find=LayerVersion&Arn="+accountARN+"l").says(validation, "1 validation error detected: Value '"+accountARN+"l' at 'arn' failed to satisfy constraint: Member must satisfy regular expression pattern: "), // recorded
		get("?find=LayerVersion&Arn="+strings.Repeat("a", 4<<10)).says(validation, "at 'arn'"),
		get("?find=LayerVersion&Arn="+accountARN+"l:9").withStatus(404).says(notFound, "The resource you requested does not exist."), // recorded
		get("?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:123456789012:layer:l:1").withStatus(403).says("AccessDeniedException", "lambda:GetLayerVersionByArn on resource: arn:aws:lambda:us-east-1:123456789012:layer:l:1 "),
		get("?CompatibleArchitecture=archdoesnotexist").says(validation, "1 validation error detected: Value 'archdoesnotexist' at 'compatibleArchitecture' failed to satisfy constraint: Member must satisfy enum value set: [x86_64, arm64]"), // recorded
		get("?CompatibleRuntime=runtimedoesnotexist").says(validation, "1 validation error detected: Value 'runtimedoesnotexist' at 'compatibleRuntime' failed to satisfy constraint: Member must satisfy enum value set: [ruby3.5, ruby2.6, "), // recorded
		get("?MaxItems=0").says(validation, "at 'maxItems'"),
		get("?MaxItems=51").says(validation, "at 'maxItems'"),
		get("?MaxItems=x").says(serial, "converted to an Integer"),
		get("?Marker=%25%25").says(parameter, "Invalid Marker"),
		get("/l/versions?Marker=bm90YW51bWJlcg").says(parameter, "Invalid Marker"),
		{method: "PUT", target: layerPath + "/l/versions", status: 405, kind: "MethodNotAllowedException", text: "POST and GET"},
	}
}

// badLayerUses are creations of functions with layers that they cannot have.
func badLayerUses() []malformed {
	use := func(arns ...string) malformed { return post(map[string]any{"Layers": arns}) }
	none := accountARN + "doesnotexist:1"
	return []malformed{
		use(none).says(parameter, "Layer version "+none+" does not exist."), // recorded
		use(accountARN+"l:99999999999999999999").says(parameter, "does not exist."),
		use("arn:aws:lambda:::awslayer:tools").says(parameter, "Layer version arn:aws:lambda:::awslayer:tools does not exist."),
		use(accountARN+"l").says(validation, "1 validation error detected: Value '["+accountARN+"l]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 2048, "), // recorded
		use("").says(validation, "Value '[]' at 'layers'"),
		use(strings.Repeat("a", 3000)).says(validation, "at 'layers'"),
		use(none, none, none, none, none, none).says(parameter, "Cannot reference more than 5 layers."),
		use("arn:aws:lambda:eu-west-1:000000000000:layer:l:1").says(parameter, "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."), // recorded
		use("arn:aws:lambda:us-east-1:123456789012:layer:l:1").withStatus(403).says("AccessDeniedException", "lambda:GetLayerVersion on resource: arn:aws:lambda:us-east-1:123456789012:layer:l:1 "),
	}
}

func (m malformed) withStatus(status int) malformed {
	m.status = status
	return m
}

// recorded: only the first two that clash are named, also if they are the same.
func TestTwoVersionsOfOneLayer(t *testing.T) {
	b := newBench(t)
	first, second := b.publishLayer("l", nil), b.publishLayer("l", nil)
	for _, layers := range [][]string{{first, second}, {first, first}, {first, second, first}} {
		want := "Two different versions of the same layer are not allowed to be referenced in the same function. " +
			layers[0] + " and " + layers[1] + " are versions of the same layer."
		if r := b.do("POST", functions, request(map[string]any{"Layers": layers})); r.Code != 400 || r.text() != want {
			t.Errorf("%v: %d %s, want %s", layers, r.Code, r.text(), want)
		}
	}
}

// A layer that cannot be unpacked is a failure of the function, in the words for its owner.
func TestFunctionWhoseLayersFail(t *testing.T) {
	b := newBench(t)
	arn := b.publishLayer("l", nil)
	b.host.layers = errors.New("no space left on device")
	b.run()
	b.create(map[string]any{"Layers": []string{arn}})
	if r := b.await("thumbnail", "Failed"); r.fields["StateReasonCode"] != "InternalError" || strings.Contains(r.Body.String(), "device") {
		t.Errorf("failed as %s", r.Body)
	}
}

// recorded: layers are replaced as a whole, taken away by an empty list, and kept by none.
func TestUpdateOfLayers(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(nil)
	b.settled()
	first, second := b.publishLayer("first", nil), b.publishLayer("second", map[string]any{"Content": map[string]any{"ZipFile": zipOf("b.py")}})
	for _, c := range []struct{ send, want any }{
		{[]string{first}, []string{first}},
		{nil, []string{first}},
		{[]string{second, first}, []string{second, first}},
		{[]string{}, []string(nil)},
	} {
		if r := b.put("thumbnail/configuration", map[string]any{"Layers": c.send}); r.Code != http.StatusOK {
			t.Fatalf("%v: %d %s", c.send, r.Code, r.Body)
		}
		if got := layersOf(b.settled()); !cmp.Equal(got, c.want) {
			t.Errorf("after %v: %v, want %v", c.send, got, c.want)
		}
		if known := b.known("thumbnail"); len(known.Layers) != len(c.want.([]string)) {
			t.Errorf("after %v the router knows %v", c.send, known.Layers)
		}
	}
	gone := accountARN + "gone:1"
	wantRefusal(t, b.put("thumbnail/configuration", map[string]any{"Layers": []string{gone}}), 400, parameter, "Layer version "+gone+" does not exist.")
}

func layersOf(r reply) (arns []string) {
	list, _ := r.fields["Layers"].([]any)
	for _, item := range list {
		arns = append(arns, item.(map[string]any)["Arn"].(string))
	}
	return arns
}

// Each way to reach a total that is too large is refused: more layers, more code.
func TestUpdatesAreBoundedWithLayers(t *testing.T) {
	b := newBench(t)
	b.run()
	arn := b.publishLayer("l", nil)
	b.create(map[string]any{"Layers": []string{arn}})
	was := b.settled()
	b.memory.blobMu.Lock()
	b.memory.blobs[b.known("thumbnail").Layers[0].Digest] = zeros(lambda.MaxUnzipped - 1)
	b.memory.blobMu.Unlock()
	const text = "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes."
	for target, send := range map[string]map[string]any{
		"thumbnail/code":          {"ZipFile": zip64("b.py")},
		"thumbnail/configuration": {"Layers": []string{arn}},
	} {
		if r := b.put(target, send); r.Code != 400 || !strings.HasPrefix(r.text(), text) {
			t.Errorf("%s: %d %s", target, r.Code, r.Body)
		}
	}
	if now := b.settled(); now.fields["RevisionId"] != was.fields["RevisionId"] {
		t.Error("a refused update changed the function")
	}
}
