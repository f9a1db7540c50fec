package image

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The same agent and modules are the same bytes, in an archive that others can read.
func TestInitramfsIsReproducible(t *testing.T) {
	dir := t.TempDir()
	agent, modules := filepath.Join(dir, "agent"), filepath.Join(dir, "modules")
	write(t, agent, "program")
	write(t, filepath.Join(modules, "erofs.ko"), "e")
	write(t, filepath.Join(modules, "virtio.ko"), "v")
	var one, two bytes.Buffer
	for _, w := range []*bytes.Buffer{&one, &two} {
		if err := WriteInitramfs(w, agent, modules, false); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two archives of the same differ")
	}
	if text := one.String(); !strings.Contains(text, "virtio.ko\nerofs.ko\n") || !strings.Contains(text, "TRAILER!!!") {
		t.Error("modules are not in order, or the archive has no end")
	}
	if WriteInitramfs(&two, filepath.Join(dir, "missing"), modules, false) == nil {
		t.Error("an archive without an agent was made")
	}
}

// An image is made once for a folder that does not change, and again for one that did.
func TestFoldersAreCachedByWhatIsInThem(t *testing.T) {
	if _, err := findMkfs(); err != nil {
		t.Skip(err)
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "app.py"), "one")
	f, err := NewFolders(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		image, err := f.Open(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		defer image.Close()
		if info, err := image.Stat(); err != nil || info.Size() != CodeSize {
			t.Errorf("the image has %d bytes, %v", info.Size(), err)
		}
		return image.Name()
	}
	first := name()
	if again := name(); again != first {
		t.Error("it was made again")
	}
	write(t, filepath.Join(folder, "app.py"), "two, longer")
	if changed := name(); changed == first {
		t.Error("a change was not seen")
	}
	if _, err := f.Open(t.Context(), filepath.Join(folder, "missing")); err == nil {
		t.Error("a folder that is not there has an image")
	}
}

// Images of the same are the same bytes, whenever and by whomever the files were written.
func TestImagesAreReproducible(t *testing.T) {
	mkfs, err := findMkfs()
	if err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command(mkfs, "--help").CombinedOutput(); len(out) == 0 {
		t.Skip(err)
	}
	sameTwice(t, func(path string) error {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "a", "b"), "text")
		return makeImage(t.Context(), path, folder, "-zlz4hc,9")
	})
}

// So is the base itself, whole.
func TestBaseIsReproducible(t *testing.T) {
	if os.Getenv("SOAK_GUESTS") == "" {
		t.Skip("makes the base twice, half a minute: make soak")
	}
	sameTwice(t, func(path string) error { return WriteBase(t.Context(), path) })
}

// sameTwice makes an image twice and wants the same.
func sameTwice(t *testing.T, makeAt func(path string) error) {
	t.Helper()
	var digests [2]string
	for i := range digests {
		path := filepath.Join(t.TempDir(), "image")
		err := makeAt(path)
		if err == nil {
			digests[i], err = Digest(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if digests[0] != digests[1] {
		t.Error("two images of the same differ")
	}
}

// Programs find the certificates of authorities in one file, as on a system where they were installed.
func TestBaseHasABundleOfCertificates(t *testing.T) {
	tree := t.TempDir()
	write(t, filepath.Join(tree, "usr/share/ca-certificates/mozilla/a.crt"), "one")
	write(t, filepath.Join(tree, "usr/share/ca-certificates/mozilla/b.crt"), "two\n")
	write(t, filepath.Join(tree, "usr/share/ca-certificates/mozilla/README"), "none")
	if err := bundleCertificates(tree); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(tree, "etc/ssl/certs/ca-certificates.crt"))
	if string(got) != "one\ntwo\n" || err != nil {
		t.Errorf("the bundle is %q, %v", got, err)
	}
	if err := bundleCertificates(t.TempDir()); err != nil {
		t.Errorf("without the package: %v", err)
	}
}

func TestPackagesAndWhatTheyNeed(t *testing.T) {
	const shown = "mawk\tinstall ok installed\tlibc6 (>= 2.33), \tawk\n" +
		"base-files\tinstall ok installed\tawk, \t\n" +
		"libc6:amd64\tinstall ok installed\t, libgcc-s1 | other:any\t\n" +
		"gone\tdeinstall ok config-files\t\t\n"
	all := parsePackages(shown)
	if all["awk"].name != "mawk" || all["libc6"].name != "libc6:amd64" || len(all) != 4 {
		t.Errorf("packages %v", all)
	}
	if got := all["libc6"].depends; !slices.Equal(got, []string{"libgcc-s1", "other"}) {
		t.Errorf("needs %v", got)
	}
}

func FuzzParsePackages(f *testing.F) {
	f.Add("a\tinstall ok installed\tb (>= 1) | c:any, d\te\n")
	f.Add("\t\t\t\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		for name, p := range parsePackages(text) {
			if strings.ContainsAny(name, " \t\n(|,") && !strings.Contains(p.name, name) {
				t.Errorf("a package is called %q", name)
			}
		}
	})
}

// A set that was changed after it was made is not used, whatever changed.
func TestSetsAreVerifiedByContent(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{kernelName, baseName, modulesName + "/virtio.ko"} {
		write(t, filepath.Join(dir, name), name)
	}
	if err := record(dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	set, err := Find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Verify(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-c", "cd "+dir+" && sha256sum -c SHA256SUMS").CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v: %s", err, out)
	}
	for _, name := range []string{kernelName, baseName, modulesName + "/virtio.ko", sumsName} {
		was, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(was)+"x")
		if err := set.Verify(); err == nil || !strings.Contains(err.Error(), "lambent setup microvm") {
			t.Errorf("%s: err = %v", name, err)
		}
		write(t, filepath.Join(dir, name), string(was))
	}
}

func TestVersionsOfAnArchive(t *testing.T) {
	const madison = "linux-image-6.1.0-56-cloud-amd64 | 6.1.192-2 | http://security.example bookworm-security/main amd64 Packages\n"
	if !hasVersion(madison, "6.1.192-2") || hasVersion(madison, "6.1.192") || hasVersion("", "6.1.192-2") {
		t.Error("a version is not found where it is, or found where it is not")
	}
}

func TestFindSaysWhereItLooked(t *testing.T) {
	dir := t.TempDir()
	if _, err := Find([]string{dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("err = %v", err)
	}
	write(t, filepath.Join(dir, keyName), "abc\n")
	if set, err := Find([]string{"/nowhere", dir}); err != nil || set.Key != "abc" || set.Base != filepath.Join(dir, "base.erofs") {
		t.Errorf("%+v, %v", set, err)
	}
}
