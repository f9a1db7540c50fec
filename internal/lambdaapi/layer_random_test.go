package lambdaapi

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is sent about layers, there is an answer in AWS's shape, a refusal publishes
// nothing, and the layer that was there before can be read afterwards.
func TestRandomLayerRequests(t *testing.T) {
	b := newBench(t)
	if r := b.do("POST", layerPath+"/kept/versions", layerRequest(nil)); r.Code != 201 {
		t.Fatalf("publishing: %d %s", r.Code, r.Body)
	}
	word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "kept", "1", "x86_64", "python3.12", "COPY", "k.zip", "arn:aws:lambda:us-east-1:000000000000:layer:kept:1"}))
	value := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(word, func(s string) any { return s }), rapid.Map(rapid.Int(), func(n int) any { return n }),
		rapid.Map(rapid.SliceOfN(word, 0, 4), func(s []string) any { return s }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "X"}), word, 0, 4), func(m map[string]string) any { return m }),
	)
	members := rapid.SampledFrom([]string{"Content", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo", "Extra"})
	target := rapid.SampledFrom([]string{"", "/kept/versions", "/kept/versions/2", "/none/versions/1", "/kept/versions/x", "/%00/versions", "/kept/versions/1/policy", "?find=LayerVersion&Arn=kept"})
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{"POST", "GET", "DELETE", "PUT"}).Draw(t, "method")
		body, err := json.Marshal(rapid.MapOfN(members, value, 0, 6).Draw(t, "body"))
		if err != nil {
			t.Fatal(err)
		}
		where, published := target.Draw(t, "target"), len(b.memory.versions)
		r := b.do(method, layerPath+where, string(body))
		if r.Code >= 500 || r.Code >= 400 && (r.kind() == "" || r.text() == "") {
			t.Fatalf("%s %s %s: %d %s", method, where, body, r.Code, r.Body)
		}
		if r.Code >= 400 && len(b.memory.versions) != published {
			t.Fatalf("%s %s %s was refused and published", method, where, body)
		}
		if r := b.do("GET", layerPath+"/kept/versions/1", ""); r.Code != 200 {
			t.Fatalf("after %s %s %s: %d %s", method, where, body, r.Code, r.Body)
		}
	})
}
