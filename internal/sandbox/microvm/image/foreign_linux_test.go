package image

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the head of a program for a processor, and no more.
func program(t *testing.T, machine elf.Machine) string {
	t.Helper()
	head := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64}
	copy(head.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	text, err := binary.Append(nil, binary.LittleEndian, head)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A base for another processor is made of packages that were fetched: programs of that processor,
// where this system's links lead, without what no program needs.
func TestForeignBaseIsMadeOfPackages(t *testing.T) {
	if _, err := findMkfs(); err != nil {
		t.Skip(err)
	}
	for _, needed := range []string{"dpkg-deb", "fsck.erofs"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	folder, deb := filepath.Join(dir, "tool"), filepath.Join(dir, "tool.deb")
	write(t, filepath.Join(folder, "DEBIAN/control"), "Package: tool\nVersion: 1.2\nArchitecture: arm64\nMaintainer: nobody\nDescription: a tool\n")
	write(t, filepath.Join(folder, "bin/tool"), program(t, elf.EM_AARCH64))
	write(t, filepath.Join(folder, "usr/share/doc/tool/README"), "of no use")
	made(t, "dpkg-deb", "--build", "--root-owner-group", folder, deb)
	if content, err := contentOf(t.Context(), []string{deb}); content != recipe+"tool 1.2\n" || err != nil {
		t.Errorf("made of %q, %v", content, err)
	}
	base, into := filepath.Join(dir, baseName), filepath.Join(dir, "shown")
	if err := writeForeignBase(t.Context(), base, []string{deb}); err != nil {
		t.Fatal(err)
	}
	made(t, "fsck.erofs", "--extract="+into, base)
	expectMachine(t, filepath.Join(into, "bin/tool"), elf.EM_AARCH64)
	if _, err := os.Stat(filepath.Join(into, "usr/share/doc")); err == nil {
		t.Error("it has what no program needs")
	}
	if left, err := filepath.Glob(filepath.Join(dir, unfinished+"*")); len(left) > 0 || err != nil {
		t.Errorf("%v is left, %v", left, err)
	}
}

func made(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func expectMachine(t *testing.T, path string, want elf.Machine) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != want {
		t.Errorf("%s is for %v", path, f.Machine)
	}
}

// A whole set that `lambent setup microvm --arch` made has programs for its processor: test/arm64.
func TestForeignSetIsOfItsProcessor(t *testing.T) {
	set := os.Getenv("GUEST_ARM64")
	if set == "" {
		t.Skip("GUEST_ARM64 names no set of images for arm64: make soak, test/arm64")
	}
	found, err := Find([]string{set})
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Verify(); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(t.TempDir(), "shown")
	made(t, "fsck.erofs", "--extract="+into, found.Base)
	for _, pattern := range []string{"usr/bin/dash", "usr/bin/python3.*[0-9]", "usr/lib/aarch64-linux-gnu/libc.so.6"} {
		all, err := filepath.Glob(filepath.Join(into, pattern))
		if err != nil || len(all) == 0 {
			t.Errorf("there is no %s: %v", pattern, err)
		}
		for _, path := range all {
			expectMachine(t, path, elf.EM_AARCH64)
		}
	}
	modules, err := filepath.Glob(filepath.Join(found.Modules, "*.ko"))
	if err != nil || len(modules) == 0 {
		t.Fatalf("there are no modules: %v", err)
	}
	for _, path := range modules {
		expectMachine(t, path, elf.EM_AARCH64)
	}
}
