package floor

import (
	"embed"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

//go:embed scripts/*
var scripts embed.FS

// WriteScripts puts the programs of this package's interpreters into a folder.
func WriteScripts(folder string) error {
	return fs.WalkDir(scripts, "scripts", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := scripts.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, path.Base(name)), text, 0o644)
	})
}
