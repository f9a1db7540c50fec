package light_test

import (
	"fmt"
	"testing"
)

// selfOf is what a program can see of its own interpreter.
var selfOf = map[string]string{
	"python": `
import __main__, codecs, datetime, email.utils, faulthandler, gc, getpass, linecache, locale, logging, os, platform, resource, signal, site, socket, subprocess, sys, sysconfig, tempfile, threading, time, warnings
def result():
    root = logging.getLogger()
    found = {
        "argv": sys.argv, "orig_argv": [a for a in getattr(sys, "orig_argv", []) if "zygote" not in a and "bootstrap" not in a], "path": sys.path, "flags": str(sys.flags), "executable": sys.executable,
        "prefix": [sys.prefix, sys.exec_prefix, sys.base_prefix], "warnoptions": sys.warnoptions, "xoptions": sys._xoptions, "filters": [str(f) for f in warnings.filters],
        "encodings": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.getdefaultencoding(), locale.getpreferredencoding()],
        "locale": [locale.setlocale(n) for n in (locale.LC_ALL, locale.LC_CTYPE, locale.LC_TIME)],
        "out": [[s.encoding, s.errors, s.line_buffering, s.fileno(), s.name, getattr(s, "mode", "w"), s.newlines] for s in (sys.stdout, sys.stderr)],
        "same": [sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__], "in": sys.stdin.read(),
        "main": {n: str(getattr(__main__, n, None)) for n in ("__name__", "__spec__", "__package__", "__builtins__")}, "main names": sorted(n for n in vars(__main__) if not n.startswith("_") and n not in ("loop", "run")),
        "hooks": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, sys.gettrace() is None, sys.getprofile() is None],
        "meta": [getattr(f, "__name__", type(f).__name__) for f in sys.meta_path], "path_hooks": len(sys.path_hooks), "cached": {p: f is None for p, f in sys.path_importer_cache.items() if p.startswith(("/var/task", "/opt"))},
        "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug()], "recursion": sys.getrecursionlimit(), "switch": sys.getswitchinterval(),
        "signals": {n: str(signal.getsignal(n)) for n in range(1, 32) if n not in (9, 19)}, "itimer": signal.getitimer(signal.ITIMER_REAL), "faulthandler": faulthandler.is_enabled(),
        "threads": [threading.active_count(), threading.main_thread() is threading.current_thread(), threading.main_thread().ident == threading.get_ident(), threading.current_thread().name, threading.current_thread().daemon],
        "native": getattr(threading, "get_native_id", lambda: 1)() == getattr(threading.main_thread(), "native_id", 1), "stack": threading.stack_size(),
        "logging": [root.level, [type(h).__name__ for h in root.handlers], [f.__class__.__name__ for h in root.handlers for f in h.filters], logging.raiseExceptions, sorted(n for n in logging.root.manager.loggerDict if not n.startswith("concurrent")), logging.getLogRecordFactory().__name__, logging.getLoggerClass().__name__, logging._nameToLevel],
        "environ": dict(os.environ), "cwd": os.getcwd(), "tmp": tempfile.gettempdir(), "tz": [time.tzname, time.timezone, time.daylight, str(datetime.datetime.fromtimestamp(0))],
        "host": [platform.node(), socket.gethostname(), os.uname()[1], platform.platform(), socket.getfqdn()], "user": [getpass.getuser(), os.path.expanduser("~")], "site": [site.USER_SITE, site.USER_BASE, site.ENABLE_USER_SITE],
        "bytecode": sys.dont_write_bytecode, "cpus": os.cpu_count(), "children": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime < 1, "linecache": list(linecache.cache)[:0],
        "umask": os.umask(0o22), "nice": os.nice(0), "affinity": sorted(os.sched_getaffinity(0)), "audit": [], "dlopen": sys.getdlopenflags(),
        "codec": codecs.lookup("utf-8").name, "child": subprocess.run(["/bin/sh", "-c", "env | grep -v '^_=' | sort; pwd; exit 3"], stdout=subprocess.PIPE).stdout.decode(), "returned": subprocess.call(["/bin/sh", "-c", "exit 3"]),
        "waits": _none_left(), "cputime": time.process_time() < 5,
    }
    return found
def _none_left():
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return "none"
`,
	"nodejs": `
const os = require('os'), Module = require('module'), cp = require('child_process'), v8 = require('v8');
return {
  argv: process.argv, execArgv: process.execArgv, execPath: process.execPath, title: process.title, env: {...process.env}, keys: Object.keys(process.env).sort(), cwd: process.cwd(),
  release: process.version, main: require.main && require.main.filename, paths: Module.globalPaths, listeners: process.eventNames().map((n) => [String(n), process.listenerCount(n)]).sort(),
  host: os.hostname(), user: os.userInfo().username, home: os.homedir(), tmp: os.tmpdir(), tz: [new Date(0).toString(), Intl.DateTimeFormat().resolvedOptions().timeZone], locale: Intl.DateTimeFormat().resolvedOptions().locale,
  heap: v8.getHeapStatistics().heap_size_limit, stdout: [process.stdout.isTTY, process.stdout.fd, process.stdout.constructor.name], umask: process.umask(), exitCode: process.exitCode === undefined,
  child: cp.execSync('env | grep -v ^_= | sort; pwd').toString(), globals: Object.getOwnPropertyNames(globalThis).sort(), handles: process._getActiveHandles().map((h) => h.constructor.name).sort(),
  scenes: Object.keys(require.cache).filter((name) => name.includes('scene')), console: Object.keys(console), warnings: process.listenerCount('warning'), report: process.report ? process.report.reportOnSignal : false, domain: process.domain === undefined,
};
`,
}

// TestFunctionSeesNoDifference between an interpreter that waited and one that starts
// afresh. What cannot be the same is in docs/RATIONALE.md.
func TestFunctionSeesNoDifference(t *testing.T) {
	s := newStation(t)
	for _, language := range []string{"python", "nodejs"} {
		for _, runtime := range s.runtimes(language) {
			t.Run(runtime, func(t *testing.T) { s.compareSelves(t, runtime, selfOf[language]) })
		}
	}
}

func (s *station) compareSelves(t *testing.T, runtime, program string) {
	var ahead, executed map[string]any
	c := code{env: map[string]string{"TZ": "Asia/Tokyo", "OWN": "a=b\nc", "EMPTY": "", "UNICODE": "åß∂\U0001f600"}}
	i := s.serve(t, runtime, true, c)
	i.evaluate(&ahead, program)
	i.executed().evaluate(&executed, program)
	if len(executed) < 20 {
		t.Errorf("only %d facts", len(executed))
	}
	for name := range executed {
		if a, e := fmt.Sprint(ahead[name]), fmt.Sprint(executed[name]); a != e {
			t.Errorf("%s: what waited has\n%s\nwhat was executed has\n%s", name, a, e)
		}
	}
}

// TestNodeThatWaitedHasLoaded what a function's first lines touch: each of these takes longer
// than all else that an event waits for.
func TestNodeThatWaitedHasLoaded(t *testing.T) {
	s := newStation(t)
	for _, runtime := range s.runtimes("nodejs") {
		t.Run(runtime, func(t *testing.T) {
			var loaded []string
			s.serve(t, runtime, true, code{}).evaluate(&loaded, `
const before = process.moduleLoadList.length;
for (const name of ['perf_hooks', 'url', 'os', 'stream', 'events', 'async_hooks', 'net']) require(name);
if (globalThis.performance) performance.now();
return process.moduleLoadList.slice(before);
`)
			if len(loaded) > 0 {
				t.Errorf("loaded only now: %v", loaded)
			}
		})
	}
}
