package workloads

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

//go:embed python/*.py node/*.js
var sources embed.FS

// Language is a folder of workloads.
type Language string

// The languages.
const (
	Python Language = "python"
	Node   Language = "node"
)

// suffix ends the names of a language's files.
func (l Language) suffix() string {
	if l == Node {
		return ".js"
	}
	return ".py"
}

// Workload is a function that is there in every language.
type Workload struct {
	Name  string // of its module
	What  string // in words
	Event string // JSON
}

// All lists the workloads, the smallest first.
func All() []Workload {
	return []Workload{
		{"hello", "a greeting", `{"name":"you"}`},
		{"page", "a page of HTML with 200 rows", `{"rows":200}`},
		{"compress", "zlib over 5,000 words and back", `{"words":5000}`},
		{"thumbnail", "a picture of 96×96 made an eighth, as PNG", `{"edge":96,"by":8}`},
		{"graph", "breadth-first search and PageRank, 1,000 nodes", `{"nodes":1000}`},
		{"aes", "AES-128 in counter mode, 1 KB, pure code", `{"blocks":64}`},
	}
}

// Source is the text of a module.
func Source(l Language, name string) ([]byte, error) {
	text, err := sources.ReadFile(path.Join(string(l), name+l.suffix()))
	if err != nil {
		return nil, fmt.Errorf("there is no workload %s in %s: %w", name, l, err)
	}
	return text, nil
}

// Package is a module as Lambda takes it, zipped.
func Package(l Language, name string) ([]byte, error) {
	text, err := Source(l, name)
	if err != nil {
		return nil, err
	}
	return Zip(name+l.suffix(), text, 0o644)
}

// Zip packs one file. The same bytes give the same archive.
func Zip(name string, text []byte, mode fs.FileMode) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	err := errors.Join(Add(w, name, text, mode), w.Close())
	return buf.Bytes(), err
}

// Add puts one file into an archive.
func Add(w *zip.Writer, name string, text []byte, mode fs.FileMode) error {
	head := &zip.FileHeader{Name: name, Method: zip.Deflate}
	head.SetMode(mode)
	entry, err := w.CreateHeader(head)
	if err != nil {
		return err
	}
	_, err = entry.Write(text)
	return err
}

// Write puts every module of a language into a folder, for competitors to run.
func Write(l Language, folder string) error {
	return fs.WalkDir(sources, string(l), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, path.Base(name)), text, 0o644)
	})
}
