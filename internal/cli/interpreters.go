package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
)

// newestRuntime returns the newest runtime of a family that this host has, by the same
// catalogue as the server's.
func newestRuntime(family string) (newest string, err error) {
	err = withCatalogue(func(c *runtimes.Catalogue) error {
		newest, err = newestOf(c, family)
		return err
	})
	return newest, err
}

func newestOf(c *runtimes.Catalogue, family string) (string, error) {
	var first error // of the newest, which is the one to install
	for _, id := range newestFirst(family) {
		_, err := c.Resolve(&lambda.Version{Runtime: id})
		if err == nil {
			return id, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", fmt.Errorf("this host has no %s that Lambent can run: %w", family, first)
}

// newestFirst lists AWS's identifiers of a family: "python3.14", "python3.13" …
func newestFirst(family string) []string {
	var ids []string
	for _, id := range runtimes.Identifiers() {
		if rest, ok := strings.CutPrefix(id, family); ok && number(rest) > 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return number(b[len(family):]) - number(a[len(family):]) })
	return ids
}

// number orders versions: "3.14" is 3014, "22.x" is 22000, anything else is 0.
func number(version string) int {
	major, minor, _ := strings.Cut(version, ".")
	a, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	b, err := strconv.Atoi(minor)
	if err != nil && minor != "x" {
		return 0
	}
	return a*1000 + b
}

// interpreter returns the program of a runtime on this host, "" if there is none.
func interpreter(runtime string) (path string) {
	_ = withCatalogue(func(c *runtimes.Catalogue) error { // none is found without one
		for _, found := range c.List() {
			if found.Runtime == runtime {
				path = found.Path
			}
		}
		return nil
	})
	return path
}

// withCatalogue looks at this host's runtimes with a folder that is removed afterwards.
func withCatalogue(look func(*runtimes.Catalogue) error) error {
	dir, err := os.MkdirTemp("", "lambent-runtimes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := runtimes.New(runtimes.Options{Dir: dir})
	if err != nil {
		return err
	}
	return look(c)
}
