package code

import "lambent.dev/lambent/internal/lambda"

// Limits of a package besides lambda.MaxUnzipped. AWS names none; these bound what a
// small zip can cost the host in memory and inodes, far above real packages.
//
// The ratio of compression has no limit of its own: deflate cannot exceed 1032:1,
// entries may not share bytes, and the total is bounded.
const (
	maxNodes  = 65_535 // files, links and folders, also folders that are only implied
	maxPath   = 1_024  // bytes of a path
	maxName   = 255    // bytes of one name in it; NAME_MAX of Linux
	maxTarget = 1_024  // bytes of a symbolic link's target
)

// AWS's texts. Source: answers of the service, recorded.
func errUnzip() *lambda.Error {
	return lambda.NewError(lambda.ErrInvalidParameterValue,
		"Could not unzip uploaded file. Please check your file, then try to upload again.")
}

func errTooLarge() *lambda.Error {
	return lambda.NewError(lambda.ErrInvalidParameterValue,
		"Unzipped size must be smaller than %d bytes", lambda.MaxUnzipped)
}

func errEmpty() *lambda.Error {
	return lambda.NewError(lambda.ErrInvalidParameterValue, "Uploaded file must be a non-empty zip")
}
