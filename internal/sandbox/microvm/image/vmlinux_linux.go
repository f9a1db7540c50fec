package image

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Vmlinux writes the uncompressed kernel that is in a distribution's kernel file: an ELF
// program on x86-64, which a monitor that is no boot loader starts by its PVH note; an Image on
// arm64. What is uncompressed already is written as it is.
func Vmlinux(w io.Writer, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	kernel, err := unpackVmlinux(file)
	if err != nil {
		return fmt.Errorf("unpacking the kernel in %s: %w", path, err)
	}
	_, err = w.Write(kernel)
	return err
}

// Marks of kernels: ELF's, arm64's (Documentation/arm64/booting.rst) and that of x86's boot
// protocol (Documentation/x86/boot.rst), with the place in the file.
const (
	elfMark        = "\x7fELF"
	arm64Mark      = "ARM\x64"
	arm64MarkAt    = 0x38
	bzImageMark    = "HdrS"
	bzImageMarkAt  = 0x202
	setupSectorsAt = 0x1f1 // how many sectors of 512 bytes stand before the protected-mode code, less one
	versionAt      = 0x206
	payloadAt      = 0x248 // where in that code the payload begins, and how long it is; since version 2.08
	headerEnd      = 0x250
	payloadVersion = 0x208
)

// maxKernel bounds an uncompressed kernel, in bytes. Debian's have some 50 MB.
const maxKernel = 512 << 20

func unpackVmlinux(file []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(file, []byte(elfMark)), hasAt(file, arm64MarkAt, arm64Mark):
		return file, nil
	case bytes.HasPrefix(file, []byte(gzipMark)): // arm64's Image.gz
		return inflate(file, false)
	}
	payload, err := payloadOf(file)
	if err != nil {
		return nil, err
	}
	kernel, err := inflate(payload, true)
	if err == nil && !bytes.HasPrefix(kernel, []byte(elfMark)) {
		err = errors.New("what is in it is no ELF program")
	}
	return kernel, err
}

func hasAt(file []byte, at int, mark string) bool {
	return len(file) >= at+len(mark) && string(file[at:at+len(mark)]) == mark
}

// payloadOf finds the compressed kernel in a bzImage.
func payloadOf(file []byte) ([]byte, error) {
	if len(file) < headerEnd || !hasAt(file, bzImageMarkAt, bzImageMark) || binary.LittleEndian.Uint16(file[versionAt:]) < payloadVersion {
		return nil, errors.New("it is no bzImage of boot protocol 2.08 or later")
	}
	code := (uint64(file[setupSectorsAt]) + 1) * 512
	from := code + uint64(binary.LittleEndian.Uint32(file[payloadAt:]))
	length := uint64(binary.LittleEndian.Uint32(file[payloadAt+4:]))
	if length < sizeLength || from+length > uint64(len(file)) {
		return nil, fmt.Errorf("its payload of %d bytes at %d is not in the file", length, from)
	}
	return file[from : from+length], nil
}

// Marks of compressions (the kernel's lib/decompress.c, scripts/Makefile.lib).
const (
	gzipMark = "\x1f\x8b"
	lz4Mark  = "\x02\x21\x4c\x18" // the legacy frame
	zstdMark = "\x28\xb5\x2f\xfd"
)

// sizeLength is what a kernel's build appends to other compressions than gzip: the size.
const sizeLength = 4

// inflate unpacks by the mark.
func inflate(payload []byte, sized bool) ([]byte, error) {
	var r io.Reader
	var err error
	switch {
	case bytes.HasPrefix(payload, []byte(gzipMark)):
		if r, err = gzip.NewReader(bytes.NewReader(payload)); err == nil {
			r.(*gzip.Reader).Multistream(false)
		}
		return readKernel(r, err, -1)
	case !sized || len(payload) < 2*sizeLength:
		return nil, errors.New("it is not compressed in a known way")
	}
	body, size := payload[:len(payload)-sizeLength], binary.LittleEndian.Uint32(payload[len(payload)-sizeLength:])
	switch {
	case bytes.HasPrefix(body, []byte(lz4Mark)):
		r = lz4.NewReader(bytes.NewReader(body))
	case bytes.HasPrefix(body, []byte(zstdMark)):
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxKernel)); err == nil {
			defer d.Close()
			r = d
		}
	default:
		return nil, fmt.Errorf("it is compressed neither with lz4, zstd nor gzip: it begins with % x", body[:sizeLength])
	}
	return readKernel(r, err, int64(size))
}

// readKernel reads a kernel of a size; -1 = not known.
func readKernel(r io.Reader, err error, size int64) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if size > maxKernel {
		return nil, fmt.Errorf("it is said to have %d bytes", size)
	}
	var kernel bytes.Buffer
	if size > 0 {
		kernel.Grow(int(size) + bytes.MinRead)
	}
	n, err := io.Copy(&kernel, io.LimitReader(r, maxKernel))
	if err == nil && size >= 0 && n != size {
		err = fmt.Errorf("it has %d bytes, not %d", n, size)
	}
	return kernel.Bytes(), err
}
