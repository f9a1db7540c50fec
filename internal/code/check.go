package code

import "io"

// Check says whether a package can be accepted: it reads the whole zip, writes
// nothing, and takes about a second for the largest. Errors are *lambda.Error of
// kind InvalidParameterValueException with AWS's text; their cause is for the log.
func Check(r io.ReaderAt, size int64) error {
	a, err := open(r, size)
	if err != nil {
		return err
	}
	if err := a.walk(checkContent); err != nil {
		return errUnzip().WithCause(err)
	}
	return nil
}

func checkContent(e entry, content io.Reader) error {
	if e.isLink() {
		_, err := e.target(content)
		return err
	}
	_, err := io.Copy(io.Discard, content)
	return err
}
