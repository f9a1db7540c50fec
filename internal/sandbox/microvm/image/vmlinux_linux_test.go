package image

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// bzImage is a kernel file as x86's boot protocol describes it, around a payload.
func bzImage(payload []byte) []byte {
	const sectors, offset = 2, 16
	file := make([]byte, (sectors+1)*512+offset)
	file[setupSectorsAt] = sectors
	copy(file[bzImageMarkAt:], bzImageMark)
	binary.LittleEndian.PutUint16(file[versionAt:], 0x20f)
	binary.LittleEndian.PutUint32(file[payloadAt:], offset)
	binary.LittleEndian.PutUint32(file[payloadAt+4:], uint32(len(payload)))
	return append(append(file, payload...), "signature"...)
}

// packed compresses as kernels' builds do.
func packed(t testing.TB, kernel []byte, with string) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch with {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	case "lz4":
		legacy := lz4.NewWriter(&out)
		if err := legacy.Apply(lz4.LegacyOption(true)); err != nil {
			t.Fatal(err)
		}
		w = legacy
	}
	if _, err := w.Write(kernel); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.AppendUint32(out.Bytes(), uint32(len(kernel)))
}

func TestKernelIsUnpacked(t *testing.T) {
	kernel := []byte(elfMark + strings.Repeat("a kernel, more or less; ", 400_000)) // more than one block of lz4
	for _, with := range []string{"gzip", "zstd", "lz4"} {
		got, err := unpackVmlinux(bzImage(packed(t, kernel, with)))
		if err != nil || !bytes.Equal(got, kernel) {
			t.Errorf("%s: %d bytes, %v", with, len(got), err)
		}
	}
	if got, err := unpackVmlinux(kernel); err != nil || !bytes.Equal(got, kernel) {
		t.Errorf("one that is not packed: %d bytes, %v", len(got), err)
	}
}

func TestBadKernelsAreRefused(t *testing.T) {
	kernel := []byte(elfMark + strings.Repeat("x", 1000))
	long := packed(t, kernel, "zstd")
	binary.LittleEndian.PutUint32(long[len(long)-4:], 1001)
	outside := bzImage(packed(t, kernel, "lz4"))
	binary.LittleEndian.PutUint32(outside[payloadAt+4:], 1<<31)
	for name, file := range map[string][]byte{
		"nothing": {}, "a script": []byte("#!/bin/sh\n"), "xz": bzImage([]byte("\xfd7zXZ\x00abcdefgh")), "no ELF": bzImage(packed(t, []byte("text"), "gzip")),
		"another size": bzImage(long), "a payload elsewhere": outside, "an empty payload": bzImage(nil),
	} {
		if got, err := unpackVmlinux(file); err == nil {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

// FuzzVmlinux: a kernel file may be damaged.
func FuzzVmlinux(f *testing.F) {
	for _, with := range []string{"gzip", "zstd", "lz4"} {
		f.Add(bzImage(packed(f, []byte(elfMark+"kernel"), with)))
	}
	f.Fuzz(func(_ *testing.T, file []byte) { _, _ = unpackVmlinux(file) })
}

// The kernel that `lambent setup microvm` fetched becomes an ELF program that a monitor can start:
// it has the note of PVH's entry. That it boots is shown in package microvm.
func TestInstalledKernelIsUnpacked(t *testing.T) {
	repository, err := filepath.Abs("../../../../bin/microvm")
	if err != nil {
		t.Fatal(err)
	}
	set, err := Find([]string{repository, SystemDir})
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "vmlinux")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := Vmlinux(out, set.Kernel); err != nil {
		t.Fatal(err)
	}
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if program.Machine == elf.EM_X86_64 && !hasPVH(t, program) {
		t.Error("it has no entry for PVH (XEN_ELFNOTE_PHYS32_ENTRY)")
	}
}

// hasPVH looks for the note 18 of Xen's (Xen's docs/misc/pvh.pandoc).
func hasPVH(t *testing.T, program *elf.File) bool {
	t.Helper()
	for _, part := range program.Progs {
		if part.Type != elf.PT_NOTE {
			continue
		}
		notes, err := io.ReadAll(part.Open())
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(notes, []byte("\x12\x00\x00\x00Xen\x00")) {
			return true
		}
	}
	return false
}
