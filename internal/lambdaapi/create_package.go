package lambdaapi

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"lambent.dev/lambent/internal/lambda"
)

// checkZip tells at once what AWS tells at once: that the package is no zip, or
// promises to be too large unpacked. Whether it keeps that promise, and what its
// entries are up to, shows when it is unpacked.
func checkZip(data []byte) error {
	if len(data) == 0 {
		return invalid("Please provide a source for function code.")
	}
	if len(data) > lambda.MaxZipped {
		return lambda.NewError(lambda.ErrRequestEntityTooLarge, "Zipped size must be smaller than %d bytes", lambda.MaxZipped)
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return lambda.NewError(lambda.ErrInvalidParameterValue,
			"Could not unzip uploaded file. Please check your file, then try to upload again.").WithCause(err)
	}
	return checkUnzipped(archive.File)
}

func checkUnzipped(files []*zip.File) error {
	var sum uint64
	for _, f := range files {
		// Each term is bounded before it is added, so the sum cannot wrap.
		if sum += min(f.UncompressedSize64, lambda.MaxUnzipped+1); sum > lambda.MaxUnzipped {
			return invalid("Unzipped size must be smaller than %d bytes", lambda.MaxUnzipped)
		}
	}
	return nil
}

// storeCode puts a package into the blobs and describes it.
func (s *Server) storeCode(ctx context.Context, data []byte) (lambda.Code, error) {
	if _, _, err := s.Blobs.Put(ctx, bytes.NewReader(data), lambda.MaxZipped); err != nil {
		return lambda.Code{}, err
	}
	sum := sha256.Sum256(data)
	return lambda.Code{
		SHA256: base64.StdEncoding.EncodeToString(sum[:]),
		Digest: hex.EncodeToString(sum[:]),
		Size:   int64(len(data)),
	}, nil
}
