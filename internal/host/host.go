package host

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

// A Host is the machine that is looked at.
type Host struct {
	Files fs.FS  // its root; os.DirFS("/") unless a test has its own
	Data  string // a folder on the disk where data will lie, absolute; "" = that is not looked at
	// Descriptors is how many a process of ours may open.
	Descriptors func() (uint64, error)
}

// This is the machine that the program runs on.
func This(data string) *Host {
	return &Host{Files: os.DirFS("/"), Data: data, Descriptors: descriptorLimit}
}

// A look is a check with what would be good.
type look struct {
	needed string
	at     func(*Host) sandbox.Check
}

// looks are all checks but the disk's speed.
func looks() []look {
	return []look{
		{"5.12 or later", (*Host).kernel},
		{"tsc, or what the hypervisor shares of it", (*Host).clock},
		{"v2 with its controllers", (*Host).cgroups},
		{"on", (*Host).favouredMoves},
		{"measured", (*Host).pressure},
		{"madvise or never", (*Host).hugePages},
		{"N", (*Host).guestPages},
		{"/dev/kvm", (*Host).virtualisation},
		{"off where functions are not all your own", (*Host).threads},
		{"some, for more idle instances than memory holds", (*Host).swap},
		{"0 or 1", (*Host).overcommit},
		{"65536 or more", (*Host).descriptors},
		{"65536 or more", (*Host).processes},
		{"30000 or more", (*Host).tasks},
		{"1000000 or more", (*Host).files},
		{"4096 or more", (*Host).namespaces},
		{"100000 or more", (*Host).mounts},
		{"4096 or more", (*Host).backlog},
		{"65536 or more", (*Host).connections},
		{"performance or schedutil", (*Host).governor},
		{"a disk of this machine", (*Host).fileSystem},
		{"none, or a privileged one", (*Host).confinement},
	}
}

// Checks looks at everything. None of the checks is required.
func (h *Host) Checks(ctx context.Context) []sandbox.Check {
	var all []sandbox.Check
	for _, l := range looks() {
		all = append(all, needing(l.at(h), l.needed))
	}
	if h.Data == "" || ctx.Err() != nil {
		return all
	}
	return append(all, needing(h.disk(ctx), fmt.Sprintf("%v or less", slowSync)))
}

// needing says what would be good where something is not.
func needing(c sandbox.Check, needed string) sandbox.Check {
	if !c.OK {
		c.Needed = needed
	}
	return c
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
