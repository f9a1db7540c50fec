package code

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Reasons for which a name is refused; they are for the log, AWS has one text for all.
var (
	errAbsolute = errors.New("path is absolute")
	errParent   = errors.New("path leaves the package")
	errNUL      = errors.New("path holds a NUL byte")
	errLong     = errors.New("path is too long")
)

// cleanPath returns the path of an entry relative to the package's root, "" for the
// root itself. Names that lead out are refused in both readings of a backslash: it
// is a character of the name on Linux, and stays one, but a separator elsewhere.
func cleanPath(name string) (string, error) {
	if strings.ContainsRune(name, 0) {
		return "", errNUL
	}
	if len(name) > maxPath {
		return "", errLong
	}
	if err := checkLocal(strings.ReplaceAll(name, `\`, "/")); err != nil {
		return "", fmt.Errorf("%w: %.100q", err, name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxName {
			return "", errLong
		}
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/"), nil
}

// checkLocal refuses absolute paths, drive letters and any step upwards, also one
// that a later step would undo.
func checkLocal(name string) error {
	if strings.HasPrefix(name, "/") || hasDrive(name) {
		return errAbsolute
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return errParent
		}
	}
	return nil
}

// hasDrive reports a Windows drive letter, "C:".
func hasDrive(name string) bool {
	return len(name) >= 2 && name[1] == ':' && (name[0]|0x20) >= 'a' && (name[0]|0x20) <= 'z'
}

// checkTarget refuses a link's target that leads out of the package. Steps upwards
// are allowed at the start only: there they climb real folders (a link is never
// another entry's folder), so that counting them is exact; what follows only goes
// down, through links of which each obeys the same rule.
func checkTarget(link, target string) error {
	switch {
	case target == "":
		return errors.New("link has no target")
	case len(target) > maxTarget:
		return errLong
	case strings.ContainsRune(target, 0):
		return errNUL
	case strings.HasPrefix(target, "/"):
		return errAbsolute
	}
	rest, up := target, 0
	for rest == ".." || strings.HasPrefix(rest, "../") {
		rest, up = strings.TrimPrefix(rest[2:], "/"), up+1
	}
	if up > strings.Count(link, "/") || hasParent(rest) {
		return errParent
	}
	return nil
}

func hasParent(name string) bool {
	return name == ".." || strings.HasPrefix(name, "../") ||
		strings.HasSuffix(name, "/..") || strings.Contains(name, "/../")
}
