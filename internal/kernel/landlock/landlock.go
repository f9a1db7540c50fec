package landlock

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// minimum is the first version that lets files be renamed from one folder to
// another where both are writable (LANDLOCK_ACCESS_FS_REFER); before it programs break.
const minimum = 2

// These are the rights that a thread loses outside of the allowed places.
const (
	fileWrites = unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	treeWrites = fileWrites | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
)

// Version returns the kernel's Landlock version; 0 where there is none.
func Version() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// Usable says whether AllowWrites works on this kernel.
func Usable() bool { return Version() >= minimum }

// Handled are the rights that AllowWrites takes away, for who makes the same rules by
// other means.
const Handled = uint64(treeWrites)

// Place is a file or folder that may be written, with the rights that are left there.
type Place struct {
	Path   string
	Rights uint64
}

// Places returns the rights that AllowWrites leaves at paths of the same kind as those
// on this host. Paths that do not exist are left out.
func Places(paths ...string) []Place {
	var places []Place
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			places = append(places, Place{path, rightsOf(info.IsDir())})
		}
	}
	return places
}

// AllowWrites restricts the calling thread, for ever, to write only below the given
// folders and to the given files. Paths that do not exist are left out. The thread
// must have no_new_privs or CAP_SYS_ADMIN.
func AllowWrites(paths ...string) error {
	rules, err := Writes(paths...)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(rules) }()
	return Restrict(rules)
}

// Writes makes the rules of AllowWrites ahead of time, and returns their descriptor, which
// is closed on exec. They restrict nobody yet.
func Writes(paths ...string) (rules int, err error) {
	if rules, err = newRuleset(); err != nil {
		return -1, err
	}
	for _, path := range paths {
		if err := allow(rules, path); err != nil {
			_ = unix.Close(rules)
			return -1, err
		}
	}
	return rules, nil
}

// Restrict puts the calling thread under rules, for ever.
func Restrict(rules int) error {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_restrict_self", errno)
	}
	return nil
}

func newRuleset() (int, error) {
	handled := uint64(treeWrites) // the first member of struct landlock_ruleset_attr; later ones may be left off
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&handled)), unsafe.Sizeof(handled), 0)
	if errno != 0 {
		return -1, os.NewSyscallError("landlock_create_ruleset", errno)
	}
	return int(fd), nil
}

func allow(rules int, path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights(fd), Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules),
		unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("landlock_add_rule %s: %w", path, errno)
	}
	return nil
}

// rights leaves those of folders off for a file: the kernel refuses them there.
func rights(fd int) uint64 {
	var st unix.Stat_t
	return rightsOf(unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR)
}

func rightsOf(folder bool) uint64 {
	if folder {
		return treeWrites
	}
	return fileWrites
}
