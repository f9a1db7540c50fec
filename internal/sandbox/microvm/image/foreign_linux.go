package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/sandbox/hostroot"
)

// installForeignBase makes the base's image for another architecture, of the packages of which this
// machine's is made: they are fetched and unpacked, and nothing of them is executed.
func installForeignBase(ctx context.Context, s *source, dir string) error {
	names, err := seeds(ctx)
	if err != nil {
		return err
	}
	packages, err := s.fetch(ctx, names)
	if err != nil {
		return err
	}
	content, err := contentOf(ctx, packages)
	if err != nil {
		return err
	}
	if err := writeForeignBase(ctx, filepath.Join(dir, baseName), packages); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, packagesName), []byte(content), 0o644)
}

// seeds are the packages that the base is made for: all else is what they need.
func seeds(ctx context.Context) ([]string, error) {
	all, err := closure(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(basePackages)
	for _, name := range all {
		if name, _, _ := strings.Cut(name, ":"); isInterpreter(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// contentOf says what packages there are, sorted, with versions, as dpkg-query does of this machine's.
func contentOf(ctx context.Context, packages []string) (string, error) {
	lines := make([]string, 0, len(packages))
	for _, path := range packages {
		out, err := output(ctx, "dpkg-deb", "--show", "--showformat=${Package} ${Version}\n", path)
		if err != nil {
			return "", err
		}
		lines = append(lines, string(out))
	}
	slices.Sort(lines)
	return recipe + strings.Join(lines, ""), nil
}

// writeForeignBase makes the image of packages. It appears when it is whole.
func writeForeignBase(ctx context.Context, path string, packages []string) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(path), unfinished)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	unpacked, tree := filepath.Join(work, "unpacked"), filepath.Join(work, "tree")
	if err := errors.Join(skeleton(unpacked), skeleton(tree)); err != nil {
		return err
	}
	for _, p := range packages {
		// Folders that are links, as /lib is, stay links.
		if _, err := output(ctx, "sh", "-c", `dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink`, "sh", p, unpacked); err != nil {
			return err
		}
	}
	if err := takeTree(unpacked, tree); err != nil {
		return err
	}
	if err := finishBase(ctx, tree); err != nil {
		return err
	}
	return makeImage(ctx, path, tree, "-zlz4hc,9")
}

// skeleton is hostroot's, with the folders that links of it lead to.
func skeleton(dir string) error {
	if err := hostroot.Skeleton(dir); err != nil {
		return err
	}
	links, err := filepath.Glob(dir + "/*")
	for _, path := range links {
		if to, no := os.Readlink(path); no == nil {
			err = errors.Join(err, os.MkdirAll(filepath.Join(dir, to), 0o755))
		}
	}
	return err
}

// takeTree copies what is wanted of unpacked packages. What is there already stays.
func takeTree(from, tree string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, from)
		if !wanted(name) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		target := filepath.Join(tree, name)
		if _, err := os.Lstat(target); err == nil {
			return nil
		}
		info, err := entry.Info()
		if err == nil {
			err = copyOne(target, path, info)
		}
		if err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
		return nil
	})
}
