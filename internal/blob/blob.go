package blob

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Errors that callers tell apart.
var (
	ErrNotFound  = errors.New("blob not found")
	ErrTooLarge  = errors.New("blob exceeds the limit")
	ErrBadDigest = errors.New("not a SHA-256 digest of 64 lower-case hex digits")
	ErrDamaged   = errors.New("blob is damaged")
	ErrFull      = errors.New("disk is full")
)

// Info names a blob.
type Info struct {
	Digest string // SHA-256 in lower-case hex: the address
	SHA256 string // the same in base64, as AWS shows it (CodeSha256)
	Size   int64  // bytes
}

// Reader reads one blob. It stays readable after the blob's deletion until Close.
type Reader interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64 // bytes
}

// Store keeps blobs. It is safe for concurrent use.
type Store interface {
	// Put stores what r gives, at most limit bytes (ErrTooLarge beyond), and returns its
	// name once it is durable. Putting the same content again is no error. After an error,
	// nothing of it is kept; an error of r is wrapped.
	Put(ctx context.Context, r io.Reader, limit int64) (Info, error)

	// Open returns a blob's content without checking it. ErrNotFound, ErrBadDigest.
	Open(ctx context.Context, digest string) (Reader, error)

	// Verify reads a blob whole and answers ErrDamaged if it is not what its name says.
	Verify(ctx context.Context, digest string) error

	// Delete removes a blob; one that is not there is no error. ErrBadDigest.
	Delete(ctx context.Context, digest string) error

	// Digests names all blobs, in no order.
	Digests(ctx context.Context) ([]string, error)

	// DeleteOlder removes a blob that was last put before a time, and says whether it did.
	// A Put of the same content at the same time is not lost: it comes before, and the blob
	// stays, or after, and it is there again. ErrBadDigest.
	DeleteOlder(ctx context.Context, digest string, than time.Time) (bool, error)
}

// InfoOf names content by its sum and size.
func InfoOf(sum [32]byte, size int64) Info {
	return Info{
		Digest: hex.EncodeToString(sum[:]),
		SHA256: base64.StdEncoding.EncodeToString(sum[:]),
		Size:   size,
	}
}

// CheckDigest refuses with ErrBadDigest all that is not 64 lower-case hex digits, so that
// a digest is safe as a file's name.
func CheckDigest(digest string) error {
	ok := len(digest) == 64
	for i := 0; ok && i < len(digest); i++ {
		c := digest[i]
		ok = '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
	}
	if !ok {
		return fmt.Errorf("%w: %.80q", ErrBadDigest, digest)
	}
	return nil
}
