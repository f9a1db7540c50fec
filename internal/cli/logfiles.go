package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"lambent.dev/lambent/internal/bill"
)

// logFiles are logs that a command reads, and how far it is.
type logFiles struct {
	sources []bill.Source
	size    int64
	read    atomic.Int64
}

// openLogs finds the logs that files and folders name. A function is named by its file
// unless a name is given.
func openLogs(paths []string, function string, stdin io.Reader) (*logFiles, error) {
	logs := &logFiles{}
	for _, path := range paths {
		if path == "-" {
			logs.sources = append(logs.sources, bill.Source{Name: "standard input", Function: named(function, "stdin"), Open: func() (io.ReadCloser, error) {
				return &counted{io.NopCloser(stdin), &logs.read}, nil
			}})
			continue
		}
		if err := logs.walk(path, function); err != nil {
			return nil, fmt.Errorf("finding logs: %w", err)
		}
	}
	return logs, nil
}

func (l *logFiles) walk(root, function string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() && path != root {
			return err
		}
		l.size += info.Size()
		l.sources = append(l.sources, bill.Source{Name: path, Function: named(function, path), Open: func() (io.ReadCloser, error) {
			f, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			return &counted{f, &l.read}, nil
		}})
		return nil
	})
}

// named is a function's name, or that of its log without the endings.
func named(function, path string) string {
	if function != "" {
		return function
	}
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

func (l *logFiles) progress() string {
	const mb = 1e6
	if l.size == 0 {
		return fmt.Sprintf("reading logs, %.0f MB", float64(l.read.Load())/mb)
	}
	return fmt.Sprintf("reading logs, %.0f of %.0f MB", float64(l.read.Load())/mb, float64(l.size)/mb)
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	read *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read.Add(int64(n))
	return n, err
}
