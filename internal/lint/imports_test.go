package lint

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// mayImport is the direction of imports: a package may import those named on its own
// line, and no others of this module. "kernel/*" stands for every folder below. The lines
// stand bottom to top: nothing may import what is below it in this table. Loosen a line
// only with the reason in docs/RATIONALE.md.
var mayImport = []struct{ pkg, allowed string }{
	{"lambda", ""},
	{"cleanup", ""},
	{"config", "lambda"},
	{"telemetry", "lambda"},
	{"kernel/nowait", ""},
	{"kernel/*", "cleanup kernel/nowait"},
	{"http1", "kernel/nowait"},
	{"vault", ""},
	{"s3", "lambda"},
	{"sigv4", "lambda"},
	{"store", "lambda"},
	{"store/relational", "lambda store cleanup"},
	{"store/storetest", "lambda store vault"},
	{"store/*", "lambda store store/relational cleanup"},
	{"blob", ""},
	{"blob/file", "blob cleanup"},
	{"logs", "lambda cleanup"},
	{"queue", "store"},
	{"queue/relational", "queue store/relational"},
	{"queue/queuetest", "queue"},
	{"queue/*", "queue/relational store/sqlite store/postgres"},
	{"sandbox", "lambda"},
	{"egress", "lambda cleanup sandbox kernel/*"},
	{"egress/egresstest", "kernel/*"},
	{"sandbox/fake", "lambda sandbox cleanup runtimeapi"},
	{"sandbox/process", "lambda sandbox cleanup sandbox/stream"},
	{"sandbox/stream", "sandbox"},
	{"host", "sandbox"},
	{"sandbox/output", "kernel/nowait"},
	{"sandbox/replies", "sandbox"},
	{"sandbox/stage", "kernel/*"},
	{"sandbox/usage", "sandbox kernel/*"},
	{"sandbox/templates", "lambda sandbox cleanup"},
	{"sandbox/hostcheck", "sandbox cleanup kernel/*"},
	{"sandbox/hostroot", "kernel/*"},
	{"sandbox/light/initproto", ""},
	{"sandbox/light/zygote", "kernel/landlock"},
	{"sandbox/light", "lambda egress sandbox cleanup kernel/* sandbox/light/initproto sandbox/light/zygote sandbox/hostcheck sandbox/hostroot sandbox/output sandbox/replies sandbox/stream sandbox/templates sandbox/usage"},
	{"sandbox/agent/agentproto", "sandbox/light/initproto"},
	{"sandbox/agent/wire", ""},
	{"sandbox/agent", "cleanup sandbox sandbox/agent/agentproto sandbox/light/initproto sandbox/output sandbox/replies sandbox/stream"},
	{"sandbox/gvisor/runsc", ""},
	{"sandbox/gvisor", "lambda egress sandbox cleanup kernel/* sandbox/agent sandbox/agent/agentproto sandbox/gvisor/runsc sandbox/hostcheck sandbox/hostroot sandbox/light/initproto sandbox/output sandbox/stage sandbox/stream sandbox/templates sandbox/usage"},
	{"sandbox/microvm/image", "sandbox/agent/agentproto sandbox/hostroot"},
	{"sandbox/microvm/firecracker", ""},
	{"sandbox/microvm/firecracker/described", ""},
	{"sandbox/microvm", "lambda egress sandbox cleanup kernel/* sandbox/agent sandbox/agent/agentproto sandbox/agent/wire sandbox/hostcheck sandbox/hostroot sandbox/microvm/firecracker sandbox/microvm/image sandbox/output sandbox/stage sandbox/stream sandbox/templates"},
	{"sandbox/sandboxtest", "lambda sandbox cleanup"},
	{"sandbox/sandboxtest/probe", ""},
	{"drivers", "lambda egress sandbox cleanup sandbox/process sandbox/light sandbox/gvisor sandbox/microvm sandbox/microvm/firecracker telemetry"},
	{"receipt", "lambda"},
	{"neighbour", "receipt"},
	{"slowest", "lambda receipt"},
	{"why", "lambda receipt"},
	{"runtimes", "lambda sandbox"},
	{"runtimes/*", ""},
	{"runtimeapi", "lambda cleanup http1 kernel/nowait"},
	{"code", "lambda cleanup"},
	{"collect", ""},
	{"bytecode", "lambda cleanup sandbox runtimes"},
	{"stem", "lambda cleanup sandbox receipt"},
	{"instance", "lambda cleanup http1 sandbox receipt neighbour runtimes runtimeapi stem"},
	{"pool", "lambda cleanup receipt instance"},
	{"router", "lambda cleanup receipt pool"},
	{"event", "lambda cleanup receipt queue"},
	{"lambdaapi", "lambda cleanup receipt store blob code runtimes sigv4"},
	{"control", "lambda store logs receipt"},
	{"handover", "lambda"},
	{"bundle", "lambda"},
	{"move", "lambda"},
	{"price", ""},
	{"bill", "price"},
	{"bill/page", "bill"},
	{"daemon", "*"},
	{"cli", "bill bill/page host price bundle config control daemon lambda move receipt why runtimes sandbox sandbox/gvisor/runsc sandbox/microvm/image drivers telemetry logs"},
}

func TestImportDirection(t *testing.T) {
	for _, p := range packages(t) {
		allowed, known := allowedFor(p.path)
		if !known {
			t.Errorf("%s has no line in mayImport: decide what it may import", p.path)
		}
		for _, imported := range slices.Sorted(maps.Keys(p.imports)) {
			if !matches(allowed, imported) {
				t.Errorf("%s imports %s, which its line in mayImport does not allow", p.path, imported)
			}
		}
	}
}

func TestOnlyDaemonAndDoctorKnowTheDrivers(t *testing.T) {
	for _, p := range packages(t) {
		if p.imports["drivers"] && p.path != "daemon" && p.path != "cli" {
			t.Errorf("%s imports drivers", p.path)
		}
	}
}

func TestDomainUsesTheStandardLibraryOnly(t *testing.T) {
	for _, p := range packages(t) {
		if p.path != "lambda" && p.path != "sandbox" {
			continue
		}
		for imported := range p.foreign {
			t.Errorf("%s imports %s: only the standard library is allowed there", p.path, imported)
		}
	}
}

// TestBenchLooksFromOutside holds that the benchmark knows Lambent as a user does, by its
// command line, its API and its processes, and that nothing but the command line knows the
// benchmark. The one exception: the Python bootstrap, which is a floor too.
func TestBenchLooksFromOutside(t *testing.T) {
	for _, p := range benches(t) {
		for imported := range p.imports {
			if imported != "runtimes" {
				t.Errorf("bench/%s imports %s", p.path, imported)
			}
		}
	}
	for _, p := range slices.Concat(packages(t), commands(t)) {
		for foreign := range p.foreign {
			if strings.HasPrefix(foreign, "lambent.dev/lambent/bench") && p.path != "cli" {
				t.Errorf("%s imports %s", p.path, foreign)
			}
		}
	}
}

// TestInitIsSmall holds that PID 1 of a sandbox, lambent-init or lambent-agent, is made of the standard library and
// golang.org/x/sys, also through what it imports of this module.
func TestInitIsSmall(t *testing.T) {
	known := map[string]*pkg{}
	for _, p := range packages(t) {
		known[p.path] = p
	}
	for _, p := range commands(t) {
		if p.path == "lambent-init" || p.path == "lambent-agent" {
			onlyXSys(t, known, p)
		}
	}
}

func onlyXSys(t *testing.T, known map[string]*pkg, p *pkg) {
	t.Helper()
	for foreign := range p.foreign {
		if !strings.HasPrefix(foreign, "golang.org/x/sys/") {
			t.Errorf("PID 1 imports %s by way of %s", foreign, p.path)
		}
	}
	for imported := range p.imports {
		onlyXSys(t, known, known[imported])
	}
}

func allowedFor(pkg string) (string, bool) {
	for _, rule := range mayImport {
		if rule.pkg == pkg {
			return rule.allowed, true
		}
	}
	for _, rule := range mayImport {
		if matches(rule.pkg, pkg) {
			return rule.allowed, true
		}
	}
	return "", false
}

// matches reports whether one of the patterns, separated by blanks, is pkg.
func matches(patterns, pkg string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		folder, wild := strings.CutSuffix(pattern, "*")
		if pattern == pkg || wild && strings.HasPrefix(pkg, folder) {
			return true
		}
	}
	return false
}
