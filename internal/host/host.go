package host

import (
	"context"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

// A Host is the machine that is looked at.
type Host struct {
	Files fs.FS  // its root; os.DirFS("/") unless a test has its own
	Data  string // a folder on the disk where data will lie; "" = that is not timed
	// Descriptors is how many a process of ours may open.
	Descriptors func() (uint64, error)
}

// This is the machine that the program runs on.
func This(data string) *Host {
	return &Host{Files: os.DirFS("/"), Data: data, Descriptors: descriptorLimit}
}

// Checks looks at everything. None of the checks is required.
func (h *Host) Checks(ctx context.Context) []sandbox.Check {
	var all []sandbox.Check
	for _, look := range []func(*Host) sandbox.Check{
		(*Host).clock, (*Host).cgroups, (*Host).favouredMoves, (*Host).hugePages, (*Host).guestPages, (*Host).virtualisation, (*Host).threads,
		(*Host).swap, (*Host).descriptors, (*Host).processes, (*Host).files, (*Host).namespaces, (*Host).mounts, (*Host).backlog, (*Host).governor, (*Host).confinement,
	} {
		all = append(all, look(h))
	}
	if h.Data == "" || ctx.Err() != nil {
		return all
	}
	return append(all, h.disk(ctx))
}

// text reads a small file; "" if there is none.
func (h *Host) text(name string) string {
	text, err := fs.ReadFile(h.Files, strings.TrimPrefix(name, "/"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// number reads a file that holds one; false if there is none.
func (h *Host) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(h.text(name), 10, 64)
	return n, err == nil
}

// chosen is the word in brackets of "always [madvise] never".
func chosen(text string) string {
	_, rest, found := strings.Cut(text, "[")
	word, _, closed := strings.Cut(rest, "]")
	if !found || !closed {
		return text
	}
	return word
}

// good is a check of what is as it should be, or of what this kernel does not have.
func good(name, found string) sandbox.Check {
	return sandbox.Check{Name: name, Found: found, OK: true}
}

// advice is a check of what could be better.
func advice(name, found, fix string) sandbox.Check {
	return sandbox.Check{Name: name, Found: found, Fix: fix}
}

// atLeast is a limit that should not be lower.
func (h *Host) atLeast(name, file string, least int64, fix string) sandbox.Check {
	n, known := h.number(file)
	if !known {
		return good(name, "unknown: no "+file)
	}
	if n < least {
		return advice(name, strconv.FormatInt(n, 10), fix)
	}
	return good(name, strconv.FormatInt(n, 10))
}
