package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/sandbox/hostroot"
)

// basePackages are Debian's packages of which the base is made, with all that they depend on,
// as far as this host has them: a shell and its tools, what programs are linked with, and the
// interpreters.
var basePackages = []string{"base-files", "ca-certificates", "coreutils", "dash", "grep", "sed", "libc6", "libgcc-s1", "python3-minimal", "libstdc++6", "zlib1g", "tzdata"}

// interpreterPackages are patterns of Python's packages and Node's.
var interpreterPackages = []string{"python3.*-minimal", "libpython3.*-stdlib", "nodejs"}

// needless are folders of packages that no program needs.
var needless = []string{
	"/usr/include", "/usr/lib/node_modules", "/usr/share/nodejs/npm", "/usr/share/systemtap",
	"/usr/share/doc", "/usr/share/man", "/usr/share/info", "/usr/share/locale", "/usr/share/lintian", "/usr/share/bug",
	"/usr/share/perl5", "/usr/share/perl", "/usr/lib/x86_64-linux-gnu/perl-base", "/usr/lib/aarch64-linux-gnu/perl-base", "/usr/share/common-licenses",
	"/usr/share/bash-completion", "/usr/share/pixmaps", "/usr/share/applications", "/usr/share/debconf", "/usr/lib/x86_64-linux-gnu/gconv", "/usr/lib/aarch64-linux-gnu/gconv",
	"/usr/share/i18n", "/usr/share/menu", "/usr/share/binfmts", "/usr/share/debianutils",
}

// WriteBase makes the image of the base. It takes some seconds.
func WriteBase(ctx context.Context, path string) (err error) {
	files, err := packageFiles(ctx)
	if err != nil {
		return err
	}
	tree, err := os.MkdirTemp(filepath.Dir(path), "unfinished-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	if err := os.Chmod(tree, 0o755); err != nil {
		return err
	}
	if err := fillBase(ctx, tree, files); err != nil {
		return err
	}
	return makeImage(ctx, path, tree, "-zlz4hc,9")
}

func fillBase(ctx context.Context, tree string, files []string) error {
	if err := hostroot.Skeleton(tree); err != nil {
		return err
	}
	for _, path := range files {
		if err := copyInto(tree, path); err != nil {
			return fmt.Errorf("copying %s: %w", path, err)
		}
	}
	return finishBase(ctx, tree)
}

// finishBase makes what packages make when they are installed.
func finishBase(ctx context.Context, tree string) error {
	if err := bundleCertificates(tree); err != nil {
		return err
	}
	return compilePython(ctx, tree)
}

// bundleCertificates puts the certificates that ca-certificates has into the one file that programs
// look for: without it no connection by TLS is trusted.
func bundleCertificates(tree string) error {
	var bundle bytes.Buffer
	err := filepath.WalkDir(filepath.Join(tree, "usr/share/ca-certificates"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".crt" || !entry.Type().IsRegular() {
			return err
		}
		one, err := os.ReadFile(path)
		bundle.Write(append(bytes.TrimSpace(one), '\n'))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // this host has no such package
	}
	if err != nil {
		return err
	}
	into := filepath.Join(tree, "etc/ssl/certs")
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "ca-certificates.crt"), bundle.Bytes(), 0o644)
}

// packageFiles lists the files of the base's packages, sorted.
func packageFiles(ctx context.Context) ([]string, error) {
	names, err := closure(ctx)
	if err != nil {
		return nil, err
	}
	out, err := output(ctx, "dpkg-query", append([]string{"--listfiles"}, names...)...)
	if err != nil {
		return nil, err
	}
	var files []string
	for line := range strings.Lines(string(out)) {
		path := strings.TrimSpace(line)
		if filepath.IsAbs(path) && wanted(path) {
			files = append(files, path)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func wanted(path string) bool {
	return !slices.ContainsFunc(needless, func(dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") })
}

// closure names the installed packages that the base needs.
func closure(ctx context.Context) ([]string, error) {
	out, err := output(ctx, "dpkg-query", "--show", "--showformat", "${binary:Package}\t${Status}\t${Pre-Depends}, ${Depends}\t${Provides}\n")
	if err != nil {
		return nil, fmt.Errorf("the base is made of Debian's packages: %w", err)
	}
	installed := parsePackages(string(out))
	var todo, found []string
	todo = append(todo, basePackages...)
	for name := range installed {
		if isInterpreter(name) {
			todo = append(todo, name)
		}
	}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		p, has := installed[name]
		if !has || slices.Contains(found, p.name) {
			continue
		}
		found = append(found, p.name)
		todo = append(todo, p.depends...)
	}
	slices.Sort(found)
	return found, nil
}

func isInterpreter(name string) bool {
	return slices.ContainsFunc(interpreterPackages, func(pattern string) bool {
		is, _ := filepath.Match(pattern, name) // the patterns are good
		return is
	})
}

type installedPackage struct {
	name    string
	depends []string
}

// parsePackages reads what dpkg-query shows; virtual names lead to who provides them.
func parsePackages(text string) map[string]installedPackage {
	all := make(map[string]installedPackage)
	for line := range strings.Lines(text) {
		field := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(field) != 4 || !strings.HasSuffix(field[1], " installed") {
			continue
		}
		p := installedPackage{field[0], packageNames(field[2])}
		name, _, _ := strings.Cut(field[0], ":")
		all[name] = p
		for _, virtual := range packageNames(field[3]) {
			if _, has := all[virtual]; !has {
				all[virtual] = p
			}
		}
	}
	return all
}

// packageNames reads a relationship field, alternatives included (deb-control(5)).
func packageNames(text string) []string {
	var names []string
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '|' }) {
		name := strings.TrimSpace(one)
		if end := strings.IndexAny(name, " :("); end >= 0 {
			name = name[:end]
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// copyInto copies a path of the host to the same place in a tree; what the host lacks is left out.
func copyInto(tree, path string) error {
	// The same file may be named through a link: /bin is one on most hosts.
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	path = filepath.Join(dir, filepath.Base(path))
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	target := filepath.Join(tree, path)
	if _, err := os.Lstat(target); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return copyOne(target, path, info)
}

func copyOne(target, path string, info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return os.Symlink(link, target)
	case info.IsDir():
		return os.MkdirAll(target, 0o755)
	case info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0:
		return copyFile(target, path, info.Mode().Perm())
	}
	return nil
}

func copyFile(target, path string, mode fs.FileMode) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Chmod(mode), to.Close())
}

// compilePython writes the bytecode of each Python's library, which says itself that it needs no
// look at the source: times are not kept in the image.
func compilePython(ctx context.Context, tree string) error {
	pythons, err := filepath.Glob(tree + "/usr/bin/python3.*[0-9]")
	if err != nil {
		return err
	}
	for _, path := range pythons {
		name := filepath.Base(path)
		library := filepath.Join(tree, "usr/lib", name)
		_, err := output(ctx, "/usr/bin/"+name, "-I", "-m", "compileall", "-q", "-j0", "-s", tree, "-p", "/", "--invalidation-mode", "unchecked-hash", library)
		if err != nil {
			return err
		}
	}
	return nil
}

// output runs a program and returns what it prints.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PYTHONHASHSEED=0")
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// Digest names a file by its content.
func Digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
