package sandboxtest

import (
	"os"
	"path/filepath"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

func bindFacts() []fact {
	return []fact{
		{name: "BindOnce", test: bindOnce},
		{name: "RunNeedsBind", test: runNeedsBind},
		{name: "OpenNeedsBind", test: openNeedsBind},
		{name: "ResetNeedsBind", test: resetNeedsBind},
		{name: "BindEndsWithContext", test: bindEndsWithContext},
		{name: "BindRefusesMissingSource", test: bindRefusesMissingSource},
		{name: "BindRefusesRelativePaths", test: bindRefusesRelativePaths},
		{name: "EveryMountIsSeen", test: everyMountIsSeen},
		{name: "MountsAreReadOnly", test: mountsAreReadOnly, needs: isolates},
		{name: "MountShowsTheFolderItself", test: mountShowsTheFolderItself, needs: showsMounts},
		{name: "SubfoldersAreSeen", test: subfoldersAreSeen},
		{name: "NoMountsAtAll", test: noMountsAtAll, needs: isolates},
		{name: "TmpIsEmptyAndWritable", test: tmpIsEmptyAndWritable},
		{name: "TmpIsTheBoxsOwn", test: tmpIsTheBoxsOwn},
	}
}

func bindOnce(r *rig) {
	box := r.bound()
	r.want("a second Bind", box.Bind(r.ctx(), r.workload()), sandbox.ErrBound)
	r.output(box, "exit", "0") // and it does no harm
}

func runNeedsBind(r *rig) {
	_, err := r.generic().Run(r.ctx(), probe("exit", "0"))
	r.want("Run before Bind", err, sandbox.ErrNotBound)
}

func openNeedsBind(r *rig) {
	_, err := r.generic().Open(r.ctx())
	r.want("Open before Bind", err, sandbox.ErrNotBound)
}

func resetNeedsBind(r *rig) {
	r.want("Reset before Bind", r.generic().Reset(r.ctx()), sandbox.ErrNotBound)
}

func bindEndsWithContext(r *rig) {
	r.want("Bind with a cancelled context", r.generic().Bind(r.cancelled(), r.workload()), errCaller)
}

func bindRefusesMissingSource(r *rig) {
	w := r.workload()
	w.Mounts = []sandbox.Mount{{Source: filepath.Join(r.TempDir(), "missing"), Target: "/var/task"}}
	if err := r.generic().Bind(r.ctx(), w); err == nil {
		r.Error("Bind took a folder that does not exist")
	}
}

func bindRefusesRelativePaths(r *rig) {
	for _, m := range []sandbox.Mount{{Source: ".", Target: "/var/task"}, {Source: r.code, Target: "var/task"}} {
		w := r.workload()
		w.Mounts = []sandbox.Mount{m}
		if err := r.generic().Bind(r.ctx(), w); err == nil {
			r.Errorf("Bind took %+v", m)
		}
	}
}

// folder makes a folder that everybody can read, with one file.
func (r *rig) folder(name, text string) string {
	r.Helper()
	dir := r.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		r.Fatal(err)
	}
	writeFile(r, filepath.Join(dir, name), text)
	return dir
}

func everyMountIsSeen(r *rig) {
	targets := []string{"/opt", "/var/runtime", "/var/lang"}
	box := r.bound(func(w *sandbox.Workload) {
		for _, target := range targets {
			w.Mounts = append(w.Mounts, sandbox.Mount{Source: r.folder("file", target), Target: target})
		}
	})
	for _, target := range targets {
		if got := printed[string](r, box, "read", target+"/file"); got != target {
			r.Errorf("%s shows %q", target, got)
		}
	}
}

func mountsAreReadOnly(r *rig) {
	dir := r.folder("file", "original")
	for _, path := range []string{dir, filepath.Join(dir, "file")} {
		if err := os.Chmod(path, 0o777); err != nil {
			r.Fatal(err)
		}
	}
	box := r.bound(func(w *sandbox.Workload) {
		w.Mounts = append(w.Mounts, sandbox.Mount{Source: dir, Target: "/opt"})
	})
	p := r.start(box, probe("write", "/opt/file", "0", "changed"))
	if e := r.exit(p); e.Code != 1 || !strings.Contains(p.stderr.String(), "read-only") {
		r.Errorf("writing ended with %+v: %s", e, p.stderr)
	}
}

// mountShowsTheFolderItself: what the host adds later is there; it is no copy.
func mountShowsTheFolderItself(r *rig) {
	dir := r.folder("file", "early")
	box := r.bound(func(w *sandbox.Workload) {
		w.Mounts = append(w.Mounts, sandbox.Mount{Source: dir, Target: "/opt"})
	})
	writeFile(r, filepath.Join(dir, "file"), "late")
	if got := printed[string](r, box, "read", "/opt/file"); got != "late" {
		r.Errorf("the box sees %q", got)
	}
}

func subfoldersAreSeen(r *rig) {
	dir := r.folder("file", "")
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
		r.Fatal(err)
	}
	writeFile(r, filepath.Join(dir, "a", "b", "deep"), "found")
	box := r.bound(func(w *sandbox.Workload) {
		w.Mounts = append(w.Mounts, sandbox.Mount{Source: dir, Target: "/opt"})
	})
	if got := printed[string](r, box, "read", "/opt/a/b/deep"); got != "found" {
		r.Errorf("the box sees %q", got)
	}
}

// noMountsAtAll: a function may be a program of the root file system.
func noMountsAtAll(r *rig) {
	box := r.bound(func(w *sandbox.Workload) { w.Mounts = nil })
	p := r.start(box, sandbox.Command{Path: "/bin/sh", Args: []string{"-c", "echo hello"}})
	if e := r.exit(p); e.Code != 0 || p.stdout.String() != "hello\n" {
		r.Errorf("exit %+v, %q, %q", e, p.stdout, p.stderr)
	}
}

func tmpIsEmptyAndWritable(r *rig) {
	box := r.bound()
	if o := r.attempt(box, "list", "/tmp"); o.OK {
		r.Errorf("a fresh /tmp has %q in it", o.Value)
	}
	r.output(box, "write", "/tmp/file", "0", "text")
	if got := printed[string](r, box, "read", "/tmp/file"); got != "text" {
		r.Errorf("/tmp/file has %q", got)
	}
}

func tmpIsTheBoxsOwn(r *rig) {
	one, two := r.bound(), r.bound()
	r.output(one, "write", "/tmp/file", "0", "secret")
	if o := r.attempt(two, "read-file", "/tmp/file"); o.OK {
		r.Errorf("another box read %q", o.Value)
	}
}
