package lambdaapi

import (
	"bytes"
	"context"
	"crypto/sha256"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/code"
	"lambent.dev/lambent/internal/lambda"
)

// checkPackage refuses at once what AWS refuses at once: no zip, a hostile one, or one
// that is too large.
func checkPackage(data []byte) error {
	if len(data) == 0 {
		return invalid("Please provide a source for function code.")
	}
	if len(data) > lambda.MaxZipped {
		return lambda.NewError(lambda.ErrRequestEntityTooLarge, "Zipped size must be smaller than %d bytes", lambda.MaxZipped)
	}
	return code.Check(bytes.NewReader(data), int64(len(data)))
}

// storePackage puts a package into the blobs and describes it.
func (s *Server) storePackage(ctx context.Context, data []byte) (lambda.Code, error) {
	info, err := s.Blobs.Put(ctx, bytes.NewReader(data), lambda.MaxZipped)
	if err != nil {
		return lambda.Code{}, err
	}
	return codeFrom(info), nil
}

// codeOf describes a package that is not stored.
func codeOf(data []byte) lambda.Code {
	return codeFrom(blob.InfoOf(sha256.Sum256(data), int64(len(data))))
}

func codeFrom(info blob.Info) lambda.Code {
	return lambda.Code{SHA256: info.SHA256, Digest: info.Digest, Size: info.Size}
}
