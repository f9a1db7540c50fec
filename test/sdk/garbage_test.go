package sdk

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// What a deleted function was made of leaves the disk; what another still uses stays.
func TestDeletedFunctionLeavesTheDisk(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	d := up(t, data)
	client := d.client()
	for name, file := range map[string]string{"kept": "app.py", "deleted": "app.py", "other": "hostile.py"} {
		deploy(t, client, creation(t, name, file, strings.TrimSuffix(file, ".py")+".echo"))
	}
	if before := packages(t, data); len(before) != 4 { // two packages, each zipped and unpacked
		t.Fatalf("two packages are %q", before)
	}
	for _, name := range []string{"deleted", "other"} {
		if _, err := client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	d.stop()
	hourAgo := time.Now().Add(-time.Hour)
	for _, path := range packages(t, data) {
		if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
			t.Fatal(err)
		}
	}

	d = up(t, data)
	for end := time.Now().Add(5 * time.Second); len(packages(t, data)) != 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still there: %q", packages(t, data))
		}
	}
	answers(t, d.client(), "kept", `"hello"`, `"hello"`)
}

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// packages finds everything in a data folder that is named by its content.
func packages(t *testing.T, data string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && digest.MatchString(d.Name()) {
			found = append(found, path)
		}
		return nil // things come and go
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
