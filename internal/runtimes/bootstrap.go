package runtimes

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed python/bootstrap.py python/lambent_compile.py python/snapshot_restore_py.py python/lambent_runtime/*.py python/zygote.py python/lambent_zygote/*.py
//go:embed node/bootstrap.js node/lambent_compile.js node/lambent_runtime/*.js node/lambent_runtime/*.mjs
var bootstrapFiles embed.FS

// bootstrapPackages are the Python packages below the bootstrap's folder.
var bootstrapPackages = []string{"lambent_runtime", "lambent_zygote"}

// writeBootstrap writes the bootstrap of a language below dir, once per content, and
// returns its folder. Older ones stay: sandboxes of another process may show them.
func writeBootstrap(dir, language string) (folder string, err error) {
	files, err := fs.Sub(bootstrapFiles, language)
	if err != nil {
		return "", err
	}
	digest, err := digestOf(files)
	if err != nil {
		return "", err
	}
	folder = filepath.Join(dir, language+"-"+digest)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(dir, ".tmp-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := copyReadable(files, filepath.Join(tmp, "new")); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(tmp, "new"), folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return folder, nil
}

// digestOf addresses the files by their content.
func digestOf(files fs.FS) (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		hash.Write([]byte(name + "\x00"))
		hash.Write(body)
		hash.Write([]byte{0})
		return err
	})
	return hex.EncodeToString(hash.Sum(nil))[:16], err
}

// copyReadable copies files so that any function can read them, whatever the umask.
func copyReadable(files fs.FS, to string) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(d.Name(), "__") && d.IsDir() {
			return err
		}
		target := filepath.Join(to, name)
		if d.IsDir() {
			return errors.Join(os.MkdirAll(target, 0o755), os.Chmod(target, 0o755))
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(target, body, 0o644), os.Chmod(target, 0o644))
	})
}
