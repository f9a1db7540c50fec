package volume

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
)

const (
	// recipe names how a file system is laid out. It changes with mkfsArgs.
	recipe         = "1-"
	templatePrefix = "template-"
	blockSize      = 4096
	// slack is for what files need besides their data: folders and extent trees.
	slack = 1 << 20
	// fitTries bounds how often a template is formatted to find its length.
	fitTries = 6
)

// mkfsArgs make the same file system whatever /etc/mke2fs.conf says. Tables are not
// written: in a new sparse file they are zero already. Nothing is reserved for root.
func mkfsArgs(name string) []string {
	return []string{
		"-q", "-F", "-b", strconv.Itoa(blockSize), "-i", "16384", "-I", "256", "-m", "0",
		"-O", "none,ext_attr,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,uninit_bg,64bit",
		"-E", "lazy_itable_init=1,nodiscard,root_owner=0:0", name,
	}
}

// findMkfs looks beyond PATH: root's PATH may lack the sbin folders.
func findMkfs() (string, error) {
	for _, name := range []string{"mkfs.ext4", "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("mkfs.ext4 not found: install e2fsprogs")
}

// template is a formatted image of one size, copied for every volume.
type template struct {
	path    string
	length  int64
	extents []extent
}

// extent is a part of a file that holds data.
type extent struct{ offset, length int64 }

// template returns the template of a size and makes it when it is the first time, or
// when somebody removed its file.
func (m *Maker) template(ctx context.Context, size int64) (*template, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path := filepath.Join(m.dir, templatePrefix+recipe+strconv.FormatInt(size, 10))
	_, err := os.Stat(path)
	if t, ok := m.templates[size]; ok && err == nil {
		return t, nil
	}
	if errors.Is(err, os.ErrNotExist) {
		if err := m.makeTemplate(ctx, path, size); err != nil {
			return nil, fmt.Errorf("making the template: %w", err)
		}
	}
	t, err := readTemplate(path)
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	m.templates[size] = t
	return t, nil
}

// makeTemplate formats a file, tidies it and gives it its name last, so that a
// template that is there is whole.
func (m *Maker) makeTemplate(ctx context.Context, path string, size int64) (err error) {
	f, err := createUnfinished(m.dir)
	if err != nil {
		return err
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	defer func() { _ = f.Close() }()
	undo.Add(func() error { return os.Remove(f.Name()) })
	if err := format(ctx, f, size); err != nil {
		return err
	}
	if err := tidy(ctx, f); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), os.Rename(f.Name(), path)); err != nil {
		return err
	}
	undo.Release()
	return nil
}

// format finds the length with which size bytes can be stored: what ext4 needs for
// itself depends on the length, so it formats until it fits.
func format(ctx context.Context, f *os.File, size int64) error {
	want := size + slack
	length := roundUp(want + want/32)
	for range fitTries {
		if err := mkfs(ctx, f, length); err != nil {
			return err
		}
		free, err := usable(f)
		if err != nil {
			return err
		}
		if free >= want && free-want < want/128 {
			return nil
		}
		length += roundUp(want - free)
	}
	return fmt.Errorf("ext4 cannot be fitted to %d bytes", size)
}

// mkfs formats a file of a length, empty before.
func mkfs(ctx context.Context, f *os.File, length int64) error {
	if err := errors.Join(f.Truncate(0), f.Truncate(length)); err != nil {
		return err
	}
	path, err := findMkfs()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, mkfsArgs(f.Name())...)
	cmd.Env = []string{"LC_ALL=C", "MKE2FS_CONFIG=/dev/null", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w: %s", path, err, bytes.TrimSpace(out))
	}
	return nil
}

// usable reads the superblock, 1024 bytes from the start, and returns how many bytes
// of data fit: the free blocks less those that the kernel keeps back from everyone,
// 2 % and 4096 at most (fs/ext4/super.c, ext4_calculate_resv_clusters).
func usable(f *os.File) (int64, error) {
	var block [1024]byte
	if _, err := f.ReadAt(block[:], 1024); err != nil {
		return 0, fmt.Errorf("reading the superblock: %w", err)
	}
	if magic := binary.LittleEndian.Uint16(block[0x38:]); magic != 0xef53 {
		return 0, fmt.Errorf("superblock has magic %#x, want 0xef53", magic)
	}
	total := int64(binary.LittleEndian.Uint32(block[0x04:]))
	free := int64(binary.LittleEndian.Uint32(block[0x0c:]))
	return (free - min(total/50, 4096)) * blockSize, nil
}

// roundUp rounds away from zero to whole blocks.
func roundUp(n int64) int64 {
	if n < 0 {
		return n / blockSize * blockSize
	}
	return (n + blockSize - 1) / blockSize * blockSize
}

// tidy makes the root folder what /tmp is: open to all, sticky and empty.
func tidy(ctx context.Context, image *os.File) error {
	device, err := attach(ctx, image)
	if err != nil {
		return err
	}
	v := &Volume{device: device}
	defer func() { _ = v.Close() }()
	fd, err := v.Mount()
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Unlinkat(fd, "lost+found", unix.AT_REMOVEDIR); err != nil {
		return fmt.Errorf("removing lost+found: %w", err)
	}
	if err := unix.Fchmodat(fd, ".", 0o1777, 0); err != nil {
		return fmt.Errorf("opening the root folder to all: %w", err)
	}
	if err := syncFS(fd); err != nil {
		return fmt.Errorf("writing the template: %w", err)
	}
	return nil
}
