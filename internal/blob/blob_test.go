package blob_test

import (
	"strings"
	"testing"

	"lambent.dev/lambent/internal/blob"
)

func FuzzCheckDigest(f *testing.F) {
	for _, digest := range []string{"", "..", "/etc/passwd", strings.Repeat("a", 63) + "/", strings.Repeat("A", 64), strings.Repeat("\uff41", 64)} {
		f.Add(digest)
	}
	f.Add(strings.Repeat("0123456789abcdef", 4))
	f.Fuzz(func(t *testing.T, digest string) {
		ok := len(digest) == 64 && strings.Trim(digest, "0123456789abcdef") == ""
		if err := blob.CheckDigest(digest); (err == nil) != ok {
			t.Errorf("CheckDigest(%q) = %v", digest, err)
		}
	})
}
