package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
	"lambent.dev/lambent/internal/store/storetest"
)

var goldenID = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "checkout"}

// The golden files are what Lambents in the field have on disk: they never change. A
// new format gets new files beside them.
func TestGoldenFunction(t *testing.T) {
	reserved := 7
	want := lambda.Function{
		ID: goldenID, Tags: map[string]string{"lambent:isolation": "light"},
		ReservedConcurrency: &reserved, Latest: goldenVersion(lambda.Latest),
	}
	for _, name := range []string{"function.v1.json", "function.v2.json"} {
		got, err := store.DecodeFunction(goldenID, golden(t, name), storetest.Key(1))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s decoded (-want +got):\n%s", name, diff)
		}
	}
	written, err := store.EncodeFunction(want, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	sameDocument(t, golden(t, "function.v2.json"), written)
}

func TestGoldenProvisioned(t *testing.T) {
	reserved := 7
	want := lambda.Function{
		ID: goldenID, Tags: map[string]string{"lambent:isolation": "light"},
		ReservedConcurrency: &reserved, Latest: goldenVersion(lambda.Latest),
		Provisioned: map[string]lambda.ProvisionedConfig{
			"live": {Executions: 5, LastModified: time.Date(2026, 11, 22, 1, 2, 3, 4_000_000, time.UTC)},
		},
	}
	got, err := store.DecodeFunction(goldenID, golden(t, "function.v3.json"), storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	written, err := store.EncodeFunction(want, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	sameDocument(t, golden(t, "function.v3.json"), written)
}

func TestGoldenVersion(t *testing.T) {
	for _, name := range []string{"version.v1.json", "version.v2.json"} {
		got, err := store.DecodeVersion(goldenID, golden(t, name), storetest.Key(1))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(goldenVersion("3"), got); diff != "" {
			t.Errorf("%s decoded (-want +got):\n%s", name, diff)
		}
	}
	written, err := store.EncodeVersion(goldenID, goldenVersion("3"), storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	sameDocument(t, golden(t, "version.v2.json"), written)
}

func TestGoldenSnapStart(t *testing.T) {
	reserved := 7
	want := lambda.Function{
		ID: goldenID, Tags: map[string]string{"lambent:isolation": "light"},
		ReservedConcurrency: &reserved, Latest: goldenVersion(lambda.Latest),
	}
	want.Latest.SnapStart = lambda.SnapStartVersions
	got, err := store.DecodeFunction(goldenID, golden(t, "function.v4.json"), storetest.Key(1))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("decoded %v (-want +got):\n%s", err, diff)
	}
	written, err := store.EncodeFunction(want, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	sameDocument(t, golden(t, "function.v4.json"), written)
	version := goldenVersion("3")
	version.SnapStart = lambda.SnapStartVersions
	read, err := store.DecodeVersion(goldenID, golden(t, "version.v4.json"), storetest.Key(1))
	if diff := cmp.Diff(version, read); err != nil || diff != "" {
		t.Errorf("decoded %v (-want +got):\n%s", err, diff)
	}
	if written, err = store.EncodeVersion(goldenID, version, storetest.Key(1)); err != nil {
		t.Fatal(err)
	}
	sameDocument(t, golden(t, "version.v4.json"), written)
}

func goldenVersion(number string) lambda.Version {
	return lambda.Version{
		Version: number, Description: "prices a basket", Role: "arn:aws:iam::000000000000:role/r",
		Runtime: "python3.12", Handler: "app.handler", Timeout: 30, MemorySize: 256, TmpSize: 512,
		Environment: map[string]string{"A": "1\u0000\u2028"}, EnvironmentSet: true,
		PackageType: "Zip", Architecture: "x86_64", TracingMode: "Active",
		Logging: lambda.Logging{Format: "JSON", ApplicationLevel: "INFO", SystemLevel: "WARN", Group: "/aws/lambda/checkout"},
		Code:    lambda.Code{SHA256: "AAEC", Digest: "000102", Size: 3},
		State:   "Active", StateReason: "reason", StateReasonCode: "code", LastUpdateStatus: "Successful",
		RevisionID: "11111111-2222-3333-4444-555555555555", Generation: 18446744073709551615,
		LastModified: time.Date(2026, 11, 22, 10, 20, 30, 123456789, time.UTC),
	}
}

// A field that somebody adds to the domain and forgets here would be lost.
func TestEveryFieldIsKept(t *testing.T) {
	fn := storetest.Filled(goldenID)
	doc, err := store.EncodeFunction(fn, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.DecodeFunction(goldenID, doc, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	fn.Published = nil // rows of their own
	if diff := cmp.Diff(fn, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestEmptyIsNotNil(t *testing.T) {
	fn := lambda.Function{ID: goldenID, Tags: map[string]string{}, Latest: lambda.Version{Environment: map[string]string{}}}
	doc, err := store.EncodeFunction(fn, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.DecodeFunction(goldenID, doc, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fn, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestRefusedRecords(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string
		want error
	}{
		"newer format":  {`{"format":5,"latest":{},"novel":1}`, store.ErrNewerSchema},
		"no format":     {`{"latest":{}}`, store.ErrDamaged},
		"unknown field": {`{"format":1,"latest":{},"novel":1}`, store.ErrDamaged},
		"cut":           {`{"format":1,"latest":{`, store.ErrDamaged},
		"empty":         {``, store.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := store.DecodeFunction(goldenID, []byte(c.doc), storetest.Key(1)); !errors.Is(err, c.want) {
				t.Errorf("err = %v, want %v", err, c.want)
			}
			if _, err := store.DecodeVersion(goldenID, []byte(c.doc), storetest.Key(1)); err == nil {
				t.Error("read as a version")
			}
		})
	}
}

func FuzzDecodeFunction(f *testing.F) {
	f.Add([]byte(`{"format":1,"latest":{"version":"$LATEST"}}`))
	f.Add([]byte(`{"format":1,"reservedConcurrency":null,"latest":{"lastModified":"2026-11-22T00:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		fn, err := store.DecodeFunction(goldenID, doc, storetest.Key(1))
		if err != nil {
			return
		}
		again, err := store.EncodeFunction(fn, storetest.Key(1))
		if err != nil {
			t.Fatalf("decoded but not encoded: %v", err)
		}
		if got, err := store.DecodeFunction(goldenID, again, storetest.Key(1)); err != nil || !cmp.Equal(fn, got) {
			t.Fatalf("not the same after a round trip: %v\n%s", err, cmp.Diff(fn, got))
		}
	})
}

func golden(t *testing.T, name string) []byte {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func sameDocument(t *testing.T, want, got []byte) {
	t.Helper()
	var a, b bytes.Buffer
	if err := errors.Join(json.Compact(&a, want), json.Compact(&b, got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unsealed(a.String()), unsealed(b.String())); diff != "" {
		t.Errorf("written (-golden +got):\n%s", diff)
	}
}

var sealedValue = regexp.MustCompile(`"value":"[A-Za-z0-9+/=]+"`)

// unsealed blanks what sealing makes different each time.
func unsealed(doc string) string { return sealedValue.ReplaceAllString(doc, `"value":""`) }

// A sealed environment opens for its own function and key only, and no other error tells
// what it holds.
func TestSealedEnvironment(t *testing.T) {
	fn := lambda.Function{ID: goldenID, Latest: goldenVersion(lambda.Latest)}
	fn.Latest.Environment = map[string]string{"NAME": "s3cret"}
	doc, err := store.EncodeFunction(fn, storetest.Key(1))
	if err != nil || bytes.Contains(doc, []byte("s3cret")) || bytes.Contains(doc, []byte("NAME")) {
		t.Fatalf("written: %s, %v", doc, err)
	}
	other := goldenID
	other.Name = "thief"
	if _, err := store.DecodeFunction(other, doc, storetest.Key(1)); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("as another function's: %v", err)
	}
	if _, err := store.DecodeFunction(goldenID, doc, storetest.Key(2)); !errors.Is(err, store.ErrWrongKey) {
		t.Errorf("with another key: %v", err)
	}
}
