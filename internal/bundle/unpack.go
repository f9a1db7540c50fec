package bundle

import (
	"archive/zip"
	"errors"
	"io"
	"os"
)

// unpackOne writes the beginning of one file.
func unpackOne(root *os.Root, f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := root.Create(f.Name)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, maxSource)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, out.Close())
}
