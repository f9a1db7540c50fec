package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
)

// attack tries one thing and returns what it got hold of. A nil error says that
// the kernel let it.
type attack func(args []string) (string, error)

// outcome is what the suite reads, see sandboxtest.Outcome.
type outcome struct {
	OK    bool
	Value string
	Error string
}

func report(value string, err error) error {
	o := outcome{OK: err == nil, Value: value}
	if err != nil {
		o.Error = err.Error()
	}
	return print(o)
}

func attacks() map[string]attack {
	all := map[string]attack{}
	for _, some := range []map[string]attack{fileAttacks(), mountAttacks(), pageAttacks(), processAttacks(), networkAttacks(), kernelAttacks(), numberAttacks(), greedyAttacks()} {
		maps.Copy(all, some)
	}
	return all
}

// touch keeps MiB of memory that is really there.
func touch(mib int) []byte {
	block := make([]byte, mib<<20)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	return block
}

// findIn looks for text in a file of every visible process but itself.
func findIn(file, text string) (string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return "", err
	}
	own := fmt.Sprint(os.Getpid())
	for _, e := range entries {
		if e.Name() == own || e.Name()[0] < '0' || e.Name()[0] > '9' {
			continue
		}
		content, err := os.ReadFile("/proc/" + e.Name() + "/" + file)
		if err == nil && bytes.Contains(content, []byte(text)) {
			return e.Name(), nil
		}
	}
	return "", fmt.Errorf("no visible process has %q in its %s", text, file)
}
