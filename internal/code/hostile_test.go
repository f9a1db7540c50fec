package code

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"
	"testing"
)

// item is one entry of a zip that a test makes.
type item struct {
	name   string
	body   string
	mode   fs.FileMode // 0: as made on a system without modes
	method uint16      // zip.Store unless set
}

func makeZip(t testing.TB, items ...item) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, it := range items {
		h := &zip.FileHeader{Name: it.name, Method: it.method}
		if it.mode != 0 {
			h.SetMode(it.mode)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if it.body != "" {
			if _, err := f.Write([]byte(it.body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func file(name string) item { return item{name: name, body: "x", mode: 0o644} }
func link(name, target string) item {
	return item{name: name, body: target, mode: fs.ModeSymlink | 0o777}
}

// patch overwrites the bytes at an offset from the n-th header of the central
// directory.
func patch(t testing.TB, b []byte, n, at int, with ...byte) []byte {
	t.Helper()
	pos := 0
	for i := 0; ; i++ {
		next := bytes.Index(b[pos:], []byte(directorySignature))
		if next < 0 {
			t.Fatal("no such directory header")
		}
		pos += next
		if i == n {
			break
		}
		pos += 4
	}
	copy(b[pos+at:], with)
	return b
}

// Offsets in a header of the central directory (APPNOTE 4.3.12).
const (
	atFlags        = 8
	atMethod       = 10
	atCRC          = 16
	atUncompressed = 24
	atLocal        = 42
	atName         = 46
)

func u32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

// zip64 makes an entry of one byte whose directory header carries a size in the
// zip64 extra field (APPNOTE 4.5.3).
func zip64(t testing.TB, size uint64) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.CreateRaw(&zip.FileHeader{
		Name: "a", Method: zip.Deflate, CRC32: 1,
		CompressedSize64: 3, UncompressedSize64: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{0x4b, 0x04, 0x00}); err != nil { // "a", deflated
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// bomb makes a zip of n honest entries of 20 MB of zeros each.
func bomb(t testing.TB, n int) []byte {
	const size = 20 << 20
	var data, buf bytes.Buffer
	deflate, err := flate.NewWriter(&data, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, size)
	if _, err := deflate.Write(zeros); err != nil {
		t.Fatal(err)
	}
	if err := deflate.Close(); err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&buf)
	for i := range n {
		f, err := w.CreateRaw(&zip.FileHeader{
			Name: fmt.Sprint(i), Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(zeros),
			CompressedSize64: uint64(data.Len()), UncompressedSize64: size,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func manyEntries(t testing.TB, n int) []byte {
	items := make([]item, n)
	for i := range items {
		items[i].name = fmt.Sprintf("%x", i)
	}
	return makeZip(t, items...)
}

// impliedFolders makes a zip of few entries that imply very many folders.
func impliedFolders(t testing.TB) []byte {
	items := make([]item, 200)
	for i := range items {
		items[i].name = fmt.Sprintf("%d/", i) + strings.Repeat("d/", 490) + "f"
	}
	return makeZip(t, items...)
}

// overlapping points the second entry's directory header at the first's data.
func overlapping(t testing.TB) []byte {
	b := makeZip(t, file("a"), file("b"))
	return patch(t, b, 1, atLocal, u32(0)...)
}

// quoted nests a local header in another entry's data, as Fifield's bomb does.
func quoted(t testing.TB) []byte {
	inner := makeZip(t, item{name: "b", body: strings.Repeat("x", 100)})
	headers := inner[:bytes.Index(inner, []byte(directorySignature))]
	b := makeZip(t, item{name: "a", body: string(headers)}, item{name: "b", body: strings.Repeat("x", 100)})
	at := bytes.Index(b[1:], []byte("PK\x03\x04")) + 1
	return patch(t, b, 1, atLocal, u32(uint32(at))...)
}

type hostile struct {
	name string
	zip  func(t testing.TB) []byte
	want string // part of AWS's text
}

const (
	wantUnzip = "Could not unzip uploaded file"
	wantSize  = "Unzipped size must be smaller than 262144000 bytes"
)

func made(items ...item) func(testing.TB) []byte {
	return func(t testing.TB) []byte { return makeZip(t, items...) }
}

func hostileZips() []hostile {
	return []hostile{
		{"empty", func(testing.TB) []byte { return nil }, "non-empty zip"},
		{"no-entries", made(), "non-empty zip"},
		{"not-a-zip", func(testing.TB) []byte { return []byte("PK\x03\x04 no") }, wantUnzip},
		{"text", func(testing.TB) []byte { return []byte(strings.Repeat("hello ", 100)) }, wantUnzip},
		{"absolute", made(file("/etc/passwd")), wantUnzip},
		{"double-slash", made(file("//etc/passwd")), wantUnzip},
		{"parent", made(file("../out")), wantUnzip},
		{"parent-inside", made(file("a/../../out")), wantUnzip},
		{"parent-undone", made(file("a/../b")), wantUnzip},
		{"parent-last", made(file("a/..")), wantUnzip},
		{"parent-folder", made(item{name: "../", mode: fs.ModeDir | 0o755}), wantUnzip},
		{"backslash-parent", made(file(`..\out`)), wantUnzip},
		{"backslash-mixed", made(file(`a/..\..\out`)), wantUnzip},
		{"backslash-absolute", made(file(`\out`)), wantUnzip},
		{"drive", made(file(`C:\out`)), wantUnzip},
		{"drive-relative", made(file("c:out")), wantUnzip},
		{"nul", func(t testing.TB) []byte { return patch(t, makeZip(t, file("a_b")), 0, atName+1, 0) }, wantUnzip},
		{"long-name", made(file(strings.Repeat("n", 256))), wantUnzip},
		{"long-path", made(file(strings.Repeat("d/", 600) + "f")), wantUnzip},
		{"root-as-file", made(file(".")), wantUnzip},
		{"link-absolute", made(link("l", "/etc/passwd")), wantUnzip},
		{"link-parent", made(link("l", "../out")), wantUnzip},
		{"link-deep-parent", made(link("a/b/l", "../../../out")), wantUnzip},
		{"link-late-parent", made(link("l", "a/../../out")), wantUnzip},
		{"link-through-link", made(link("a/b/up", "../.."), link("l", "a/b/up/..")), wantUnzip},
		{"link-only-parent", made(link("l", "..")), wantUnzip},
		{"link-empty", made(link("l", "")), wantUnzip},
		{"link-nul", made(link("l", "a\x00b")), wantUnzip},
		{"link-long", made(link("l", strings.Repeat("a", 1025))), wantUnzip},
		{"link-named-as-folder", made(item{name: "l/", mode: fs.ModeSymlink | 0o777}), wantUnzip},
		{"link-then-below", made(link("d", "e"), file("d/f")), wantUnzip},
		{"below-then-link", made(file("d/f"), link("d", "e")), wantUnzip},
		{"file-then-below", made(file("d"), file("d/f")), wantUnzip},
		{"folder-then-file", made(item{name: "d/", mode: fs.ModeDir | 0o755}, file("d")), wantUnzip},
		{"implied-folder-then-file", made(file("d/e/f"), file("d/e")), wantUnzip},
		{"duplicate", made(file("a"), file("a")), wantUnzip},
		{"duplicate-by-dot", made(file("a/b"), file("a/./b")), wantUnzip},
		{"duplicate-by-slash", made(file("a/b"), file("a//b")), wantUnzip},
		{"duplicate-link", made(link("l", "a"), link("l", "b")), wantUnzip},
		{"fifo", made(item{name: "p", mode: fs.ModeNamedPipe | 0o644}), wantUnzip},
		{"device", made(item{name: "d", mode: fs.ModeDevice | 0o644}), wantUnzip},
		{"char-device", made(item{name: "d", mode: fs.ModeDevice | fs.ModeCharDevice | 0o644}), wantUnzip},
		{"socket", made(item{name: "s", mode: fs.ModeSocket | 0o644}), wantUnzip},
		{"folder-with-content", func(t testing.TB) []byte {
			return patch(t, makeZip(t, file("d_")), 0, atName+1, '/')
		}, wantUnzip},
		{"encrypted", func(t testing.TB) []byte { return patch(t, makeZip(t, file("a")), 0, atFlags, 0x09) }, wantUnzip},
		{"method", func(t testing.TB) []byte { return patch(t, makeZip(t, file("a")), 0, atMethod, 12) }, wantUnzip},
		{"crc", func(t testing.TB) []byte { return patch(t, makeZip(t, file("a")), 0, atCRC, 1, 2, 3, 4) }, wantUnzip},
		{"size-too-small", func(t testing.TB) []byte {
			return patch(t, makeZip(t, item{name: "a", body: "hello", method: zip.Deflate}), 0, atUncompressed, u32(2)...)
		}, wantUnzip},
		{"size-too-great", func(t testing.TB) []byte {
			return patch(t, makeZip(t, item{name: "a", body: "hello", method: zip.Deflate}), 0, atUncompressed, u32(9)...)
		}, wantUnzip},
		{"stored-two-sizes", func(t testing.TB) []byte {
			return patch(t, makeZip(t, file("a")), 0, atUncompressed, u32(9)...)
		}, wantUnzip},
		{"zip64-lie", func(t testing.TB) []byte { return zip64(t, 5<<30) }, wantSize},
		{"zip64-greatest", func(t testing.TB) []byte { return zip64(t, 1<<64-1) }, wantSize},
		{"bomb-declared", func(t testing.TB) []byte {
			return patch(t, makeZip(t, item{name: "a", body: "x", method: zip.Deflate}), 0, atUncompressed, u32(262_144_000)...)
		}, wantSize},
		{"bomb", func(t testing.TB) []byte { return bomb(t, 14) }, wantSize},
		{"bomb-lie", func(t testing.TB) []byte { return patch(t, bomb(t, 1), 0, atUncompressed, u32(10)...) }, wantUnzip},
		{"overlap", overlapping, wantUnzip},
		{"overlap-quoted", quoted, wantUnzip},
		{"too-many", func(t testing.TB) []byte { return manyEntries(t, maxNodes+1) }, wantUnzip},
		{"far-too-many", func(t testing.TB) []byte { return manyEntries(t, 2*maxNodes) }, wantUnzip},
		{"implied-folders", impliedFolders, wantUnzip},
		{"truncated-trailer", func(t testing.TB) []byte { b := makeZip(t, file("a")); return b[:len(b)-4] }, wantUnzip},
		{"truncated-directory", func(t testing.TB) []byte { b := makeZip(t, file("a"), file("b")); return b[20:] }, wantUnzip},
		{"bad-local-header", func(t testing.TB) []byte { b := makeZip(t, file("a")); b[0] = 'X'; return b }, wantUnzip},
	}
}
