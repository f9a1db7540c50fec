package firecracker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Releases is where Firecracker publishes its releases; a mirror has the same paths below another address.
const Releases = "https://github.com/firecracker-microvm/firecracker/releases/download"

// Description is the file of a release that describes the API of its Firecracker.
const Description = "firecracker_spec.yaml"

// Bounds of a download: an archive of 1.15.1 has 8 MB, and the programs of it 3 MB each.
const (
	archiveLimit  = 64 << 20 // bytes
	programLimit  = 64 << 20 // bytes of each file that is unpacked
	downloadLimit = 10 * time.Minute
)

// Release is an archive that Firecracker published.
type Release struct {
	Version string // "1.15.1"
	Machine string // as uname has it: "x86_64"
	SHA256  string // of the archive, as published beside it
}

// Pinned is the release that is installed on this architecture.
func Pinned() (Release, error) {
	const version = "1.15.1" // see deaf
	switch runtime.GOARCH {
	case "amd64":
		return Release{version, "x86_64", "d4a32ab2322d887ca1bc4a4e7afa9cc35393e6362dfc2b3becb389d362e4275a"}, nil
	case "arm64":
		return Release{version, "aarch64", "00654ac1e702a22744121ea9f10a4f792ebd7c3a744cba587dfac9fcb79b41a5"}, nil
	}
	return Release{}, fmt.Errorf("no release of Firecracker is known for %s", runtime.GOARCH)
}

// Install puts the programs of a release, and its description, into a folder, and says on progress
// what it does. Those of that version that are there stay. Nothing of an archive that is not the
// published one is unpacked, and no program is replaced before all of them are whole.
func (r Release) Install(ctx context.Context, from, dir string, progress io.Writer) error {
	if there, err := Find(ctx, []string{dir}); err == nil && there.Version == r.Version {
		_, err := fmt.Fprintf(progress, "%s is there: Firecracker %s\n", there.Firecracker, there.Version)
		return err
	}
	url := r.url(from)
	fmt.Fprintf(progress, "fetching %s\n", url)
	archive, err := download(ctx, url)
	if err != nil {
		return fmt.Errorf("fetching Firecracker %s: %w", r.Version, err)
	}
	if err := r.verify(archive); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if err := r.unpack(archive, dir); err != nil {
		return fmt.Errorf("unpacking Firecracker %s: %w", r.Version, err)
	}
	_, err = fmt.Fprintf(progress, "%s is ready: Firecracker %s\n", filepath.Join(dir, "firecracker"), r.Version)
	return err
}

func (r Release) url(from string) string {
	return fmt.Sprintf("%s/v%s/firecracker-v%s-%s.tgz", from, r.Version, r.Version, r.Machine)
}

func (r Release) verify(archive []byte) error {
	sum := sha256.Sum256(archive)
	if got := hex.EncodeToString(sum[:]); got != r.SHA256 {
		return fmt.Errorf("the archive has the SHA-256 %s, want %s: it is not what Firecracker published", got, r.SHA256)
	}
	return nil
}

// download reads a bounded file.
func download(ctx context.Context, url string) ([]byte, error) {
	ctx, stop := context.WithTimeoutCause(ctx, downloadLimit, fmt.Errorf("it took more than %v", downloadLimit))
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, whyNot(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, response.Status)
	}
	return readBounded(response.Body, archiveLimit)
}

func readBounded(from io.Reader, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, limit+1))
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("it has more than %d bytes", limit)
	}
	return content, err
}

// wanted are the files of a release that are installed, by their names in its archive, in the
// order in which they take their places: Find looks for the first, so it comes last.
func (r Release) wanted() []releaseFile {
	folder := fmt.Sprintf("release-v%s-%s/", r.Version, r.Machine)
	return []releaseFile{
		{folder + fmt.Sprintf("firecracker_spec-v%s.yaml", r.Version), Description, 0o644},
		{folder + fmt.Sprintf("jailer-v%s-%s", r.Version, r.Machine), "jailer", 0o755},
		{folder + fmt.Sprintf("firecracker-v%s-%s", r.Version, r.Machine), "firecracker", 0o755},
	}
}

type releaseFile struct {
	inside, name string
	mode         os.FileMode
}

// unpack lays what is wanted into a folder of its own, and then moves it.
func (r Release) unpack(archive []byte, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	whole, err := os.MkdirTemp(dir, "unfinished-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(whole)) }()
	if err := r.unpackInto(archive, whole); err != nil {
		return err
	}
	for _, f := range r.wanted() {
		if err := os.Rename(filepath.Join(whole, f.name), filepath.Join(dir, f.name)); err != nil {
			return err
		}
	}
	return nil
}

// unpackInto takes the files that are wanted, and needs all of them. What else an archive names is
// not looked at: no name of it becomes a path.
func (r Release) unpackInto(archive []byte, dir string) error {
	missing := map[string]releaseFile{}
	for _, f := range r.wanted() {
		missing[f.inside] = f
	}
	packed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for files := tar.NewReader(packed); len(missing) > 0; {
		head, err := files.Next()
		if err != nil {
			return fmt.Errorf("looking for %d files that a release has: %w", len(missing), err)
		}
		f, is := missing[head.Name]
		if !is || head.Typeflag != tar.TypeReg {
			continue
		}
		if err := f.write(dir, files); err != nil {
			return err
		}
		delete(missing, head.Name)
	}
	return nil
}

func (f releaseFile) write(dir string, from io.Reader) error {
	content, err := readBounded(from, programLimit)
	if err != nil {
		return fmt.Errorf("reading %s: %w", f.inside, err)
	}
	return os.WriteFile(filepath.Join(dir, f.name), content, f.mode)
}
