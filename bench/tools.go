package bench

import (
	"context"
	"os/exec"
	"runtime"
	"strings"
)

// tools names the programs that run beside Lambent, with their versions.
func (s *session) tools(ctx context.Context) []string {
	all := []string{"Go " + strings.TrimPrefix(runtime.Version(), "go")}
	for _, i := range []struct {
		name string
		Interpreter
	}{{"Python", s.o.Python}, {"Node", s.o.Node}} {
		if i.Path != "" {
			all = append(all, i.name+" "+i.Version)
		}
	}
	for _, name := range []string{"runc", "crun"} {
		if version := versionOf(ctx, name); version != "" {
			all = append(all, version)
		}
	}
	return all
}

// versionOf is the first line of what a program says about its version, "runc 1.1.5"; "" if
// it is absent.
func versionOf(ctx context.Context, name string) string {
	out, err := exec.CommandContext(ctx, name, "--version").Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.Replace(strings.TrimSpace(line), " version ", " ", 1)
}
