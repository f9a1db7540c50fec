package image

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// record writes what a set is made of by content, as sha256sum(1) does, and after that its key,
// which makes it whole.
func record(dir string, progress io.Writer) error {
	found, err := filepath.Glob(filepath.Join(dir, modulesName, "*.ko"))
	if err != nil {
		return err
	}
	slices.Sort(found)
	var text bytes.Buffer
	for _, path := range append(found, filepath.Join(dir, kernelName), filepath.Join(dir, baseName)) {
		digest, err := Digest(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s  %s\n", digest, name)
	}
	if err := os.WriteFile(filepath.Join(dir, sumsName), text.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s is ready\n", dir)
	return os.WriteFile(filepath.Join(dir, keyName), []byte(keyOf(text.Bytes())+"\n"), 0o644)
}

// keyOf is the same for sets of the same content.
func keyOf(sums []byte) string {
	sum := sha256.Sum256(sums)
	return hex.EncodeToString(sum[:16])
}

// Verify says whether a set is what was installed, by content. It reads all of it, some tenths of
// a second.
func (s Set) Verify() error {
	dir := filepath.Dir(s.Kernel)
	sums, err := os.ReadFile(filepath.Join(dir, sumsName))
	if err != nil {
		return fmt.Errorf("verifying the guests' images: %w: run `lambent setup microvm`", err)
	}
	if keyOf(sums) != s.Key {
		return fmt.Errorf("verifying the guests' images: %s in %s is not what was installed: run `lambent setup microvm`", sumsName, dir)
	}
	for lines := bufio.NewScanner(bytes.NewReader(sums)); lines.Scan(); {
		if err := verifyLine(dir, lines.Text()); err != nil {
			return fmt.Errorf("verifying the guests' images: %w: run `lambent setup microvm`", err)
		}
	}
	return nil
}

func verifyLine(dir, line string) error {
	want, name, ok := strings.Cut(line, "  ")
	if !ok || !filepath.IsLocal(name) {
		return fmt.Errorf("bad line %q", line)
	}
	got, err := Digest(filepath.Join(dir, name))
	if err == nil && got != want {
		err = fmt.Errorf("%s in %s has changed since it was installed", name, dir)
	}
	return err
}
