package light_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// rightsOf are what an interpreter may do and where it is, as it sees it itself. Both
// languages read the same files.
var rightsOf = map[string]string{
	"python": `
import json, os, resource, subprocess
def text(name):
    try:
        with open(name) as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        return "error " + str(getattr(error, "errno", error))
def link(name):
    try:
        return os.readlink(name)
    except OSError as error:
        return "error " + str(error.errno)
def writes(name):
    try:
        open(name, "w").close()
        os.unlink(name)
        return "yes"
    except OSError as error:
        return "error " + str(error.errno)
def result():
    found = {name: text("/proc/self/" + name) for name in FILES}
    found.update({"write " + name: writes(name + "/x") for name in FOLDERS})
    found.update({"link " + name: link("/proc/self/" + name) for name in LINKS})
    found["umask"] = os.umask(0o22)
    os.umask(found["umask"])
    found["session"] = os.getsid(0) == os.getpid()
    found["group"] = os.getpgid(0) == os.getpid()
    found["ids"] = [os.getresuid(), os.getresgid(), os.getgroups()]
    found["fds"] = sorted(link("/proc/self/fd/" + fd).split(":")[0] for fd in os.listdir("/proc/self/fd"))
    found["shell"] = subprocess.check_output(["/bin/sh", "-c", "grep -E '^(Cap|NoNewPrivs|Seccomp|Sig|Uid|Groups)' /proc/self/status; ulimit -a; umask; id; ls -l /proc/self/fd | wc -l"]).decode()
    return found
`,
	"nodejs": `
const fs = require('fs'), cp = require('child_process');
const text = (name) => { try { return fs.readFileSync(name, 'latin1'); } catch (e) { return 'error ' + e.errno; } };
const link = (name) => { try { return fs.readlinkSync(name); } catch (e) { return 'error ' + e.errno; } };
const writes = (name) => { try { fs.writeFileSync(name, ''); fs.unlinkSync(name); return 'yes'; } catch (e) { return 'error ' + e.errno; } };
const found = {};
for (const name of FILES) found[name] = text('/proc/self/' + name);
for (const name of FOLDERS) found['write ' + name] = writes(name + '/x');
for (const name of LINKS) found['link ' + name] = link('/proc/self/' + name);
found.umask = process.umask();
found.session = text('/proc/self/stat').split(') ')[1].split(' ').slice(1, 4).map((n) => Number(n) === process.pid || Number(n));
found.ids = [process.getuid(), process.geteuid(), process.getgid(), process.getegid(), process.getgroups()];
found.fds = fs.readdirSync('/proc/self/fd').map((fd) => link('/proc/self/fd/' + fd).split(':')[0]).sort();
found.shell = cp.execSync("grep -E '^(Cap|NoNewPrivs|Seccomp|Sig|Uid|Groups)' /proc/self/status; ulimit -a; umask; id; ls -l /proc/self/fd | wc -l").toString();
return found;
`,
}

const lists = `FILES = ["status", "limits", "mountinfo", "cgroup", "oom_score_adj", "comm", "loginuid", "uid_map", "gid_map", "setgroups",
 "attr/current", "coredump_filter", "timerslack_ns", "sessionid", "personality", "mounts", "net/dev", "net/tcp", "net/unix", "sched"]
LINKS = ["cwd", "root", "exe"]
FOLDERS = ["/tmp", "/dev/shm", "/", "/var/task", "/opt", "/var/runtime", "/var/lang", "/run", "/var/tmp", "/usr", "/usr/lib", "/proc", "/dev", "/etc", "/.lambent"]
`

// differs are the lines of /proc/self/status and its like that are a process's own.
var differs = regexp.MustCompile(`(?m)^(Pid|Tgid|PPid|Ngid|NSpid|NStgid|NSpgid|NSsid|FDSize|Vm\w+|Rss\w+|Hugetlb\w+|Threads|\w*ctxt_switches|CoreDumping|THP_enabled|untag_mask|Mems_allowed\w*|Cpus_allowed\w*|x86_Thread\w*|SigQ|State):.*\n`)

// kept takes away what is a process's own.
func kept(name string, v any) string {
	text := fmt.Sprint(v)
	switch name {
	case "status":
		text = differs.ReplaceAllString(text, "")
	case "sched":
		text = strings.Join(regexp.MustCompile(`(?m)^(policy|prio) .*$`).FindAllString(text, -1), "\n")
	}
	return text
}

// TestWhatWaitedHasTheRightsOfWhatIsExecuted compares them from inside.
func TestWhatWaitedHasTheRightsOfWhatIsExecuted(t *testing.T) {
	s := newStation(t)
	for _, language := range []string{"python", "nodejs"} {
		for _, runtime := range s.runtimes(language) {
			t.Run(runtime, func(t *testing.T) { s.compareRights(t, language, runtime) })
		}
	}
}

func (s *station) compareRights(t *testing.T, language, runtime string) {
	program := lists + rightsOf[language]
	var ahead, executed, fitted map[string]any
	i := s.serve(t, runtime, true, code{})
	i.evaluate(&ahead, program)
	i.executed().evaluate(&executed, program)
	if len(ahead) != len(executed) || len(ahead) < 30 {
		t.Errorf("%d and %d facts", len(ahead), len(executed))
	}
	for name := range executed {
		if a, e := kept(name, ahead[name]), kept(name, executed[name]); a != e {
			t.Errorf("%s: what waited has\n%s\nwhat was executed has\n%s", name, a, e)
		}
	}
	s.serveFitted(t, runtime).evaluate(&fitted, program)
	for name := range executed {
		if e, f := inAnyBox(name, executed[name]), inAnyBox(name, fitted[name]); e != f {
			t.Errorf("%s: what was executed has\n%s\nin a box that was fitted there is\n%s", name, e, f)
		}
	}
}

// serveFitted starts a function in a box that waited without an interpreter.
func (s *station) serveFitted(t *testing.T, runtime string) *interpreter {
	t.Helper()
	b := base()
	b.Preload = s.launch(t, runtime, code{}).Preload
	template := s.template(b)
	fitter := template.(sandbox.Fitter)
	box := createNamed(t, s.template(fitter.Bare()))
	if err := fitter.Fit(t.Context(), box); err != nil {
		t.Fatal(err)
	}
	i := s.into(t, box, runtime, code{})
	i.ready()
	return i
}

// own is what two boxes never have in common: ids of mounts, what /tmp is on,
// the range of their users, numbers of what descriptors and namespaces are.
var own = regexp.MustCompile(`(?m)^\d+ \d+ \d+:\d+ |/dev/loop\d+|/proc/self/fd/\d+|master:\d+|[1-9]\d{8,}|TestWhat[\w.]+/\d+`)

// inAnyBox is kept without what is a box's own; mounts are sorted, since the base's come later
// where it was fitted.
func inAnyBox(name string, v any) string {
	lines := strings.Split(own.ReplaceAllString(kept(name, v), ""), "\n")
	if name == "mountinfo" || name == "mounts" {
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n")
}
