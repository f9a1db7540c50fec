package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Options are what the caller knows better than a guess.
type Options struct {
	Runtime string // "python3.11"; "" = guessed
	Handler string // "app.handler"; "" = guessed
	Install bool   // install what requirements.txt or package.json names

	// Newest returns the newest runtime of a family ("python", "nodejs") that the server
	// can run, or an error that says what was looked for.
	Newest func(family string) (string, error)
	// Interpreter returns the program of a runtime, to install dependencies with; "" = unknown.
	Interpreter func(runtime string) string
	// Progress gets what the tools that are run print; nil drops it.
	Progress io.Writer
}

// Package is what a function is created from.
type Package struct {
	Name    string   // a function's name, from the path
	Runtime string   // AWS's identifier
	Handler string   // as the runtime understands it
	Zip     []byte   // at most lambda.MaxZipped
	Guessed string   // what runtime and handler were concluded from; "" = both were given
	Notes   []string // what a person should know, a sentence each
}

// Make reads path and makes a package of it. Errors say what to do.
func Make(ctx context.Context, path string, o Options) (*Package, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file or folder %s", path)
	}
	if err != nil {
		return nil, err
	}
	p, err := packPath(ctx, path, info, o)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", filepath.Base(path), err)
	}
	p.Name = nameOf(path, info.IsDir())
	return p, checkSize(p.Zip)
}

func packPath(ctx context.Context, path string, info fs.FileInfo, o Options) (*Package, error) {
	if strings.EqualFold(filepath.Ext(path), ".zip") && !info.IsDir() {
		return fromZip(path, o)
	}
	source, err := understand(path, info.IsDir(), o)
	if err != nil {
		return nil, err
	}
	if o.Install {
		done, err := source.install(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
	} else {
		source.noteDependencies()
	}
	return source.pack(ctx)
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9_-]+`)

// maxName is the most characters of a function's name.
const maxName = 64

// nameOf makes a function's name of a file's or folder's.
func nameOf(path string, folder bool) string {
	name := filepath.Base(path)
	if !folder {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	name = strings.Trim(notInNames.ReplaceAllString(name, "-"), "-")
	return name[:min(len(name), maxName)]
}
