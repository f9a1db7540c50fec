package vault

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// header begins a key file; the key follows in base64.
const header = "lambent-key-1 "

// maxFile bounds what is read of a file that may be anything, in bytes.
const maxFile = 1 << 10

// Load reads the key in the file at path. Where there is none it makes one with a
// random key, readable by its owner only and on the disk before it returns; made says
// so.
func Load(path string) (key *Key, made bool, err error) {
	key, err = read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if made, err = create(path); err != nil {
		return nil, false, fmt.Errorf("making the key file: %w", err)
	}
	key, err = read(path)
	return key, made, err
}

func read(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, fmt.Errorf("key file %s can be used by others than its owner (mode %o): chmod 600 it, and think about who may have read it", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	key, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s is damaged: put back a copy of it: %w", path, err)
	}
	return key, nil
}

func parse(text string) (*Key, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), header)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %q", strings.TrimSpace(header))
	}
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(secret) != keySize {
		return nil, fmt.Errorf("it does not hold %d bytes in base64", keySize)
	}
	return New([keySize]byte(secret))
}

// create writes a new key beside path and links it there: a file with that name is
// whole, and one that somebody else made meanwhile stays.
func create(path string) (made bool, err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	_, err = f.WriteString(header + base64.StdEncoding.EncodeToString(secret) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
